"""Pages about receipts: whom they open for, and what can be done there."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role
from accounts.services import set_member_role
from ingest.models import IngestPayload
from tests.ingest.sending import progress, send

pytestmark = pytest.mark.django_db
RECEIPTS = "/projects/shop/receipts/"


@pytest.fixture
def failed(ci: APIClient) -> str:
    return f"{RECEIPTS}{send(ci, record=b'rubbish').json()['receipt']}/"


@pytest.mark.parametrize("detail", [True, False])
def test_readers_of_receipts_get_in_and_others_do_not(
    failed: str, alice: User, bob: User, carol: User, client_of, detail: bool
):
    path = failed if detail else RECEIPTS
    assert client_of(alice).get(path).status_code == 200
    assert client_of(bob).get(path).status_code == 404
    assert client_of(carol).get(path).status_code == 404
    assert Client().get(path)["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize(("act", "state"), [("replay", "received"), ("dismiss", "failed")])
def test_an_administrator_acts_on_a_failure(
    failed: str, alice: User, bob: User, client_of, act: str, state: str
):
    assert client_of(bob).post(f"{failed}{act}/").status_code == 404
    assert client_of(alice).get(f"{failed}{act}/").status_code == 405
    answer = client_of(alice).post(f"{failed}{act}/")
    assert (answer.status_code, answer["Location"]) == (302, failed)
    payload = IngestPayload.objects.get()
    assert payload.state == state
    assert (payload.dismissed_at is not None) == (act == "dismiss")


def test_an_auditor_sees_a_failure_and_cannot_act(
    failed: str, project: Project, alice: User, bob: User, client_of
):
    set_member_role(project=project, user=bob, role=Role.AUDITOR, actor=alice)
    answer = client_of(bob).get(failed)
    assert answer.status_code == 200
    assert answer.context["can"] == {}
    assert client_of(bob).post(f"{failed}replay/").status_code == 404


@pytest.mark.parametrize(("query", "count"), [("", 2), ("?state=waiting", 1), ("?state=x", 0)])
def test_the_list_is_narrowed(
    ci: APIClient, failed: str, alice: User, client_of, query: str, count: int
):
    send(ci, progress=progress())
    assert len(client_of(alice).get(RECEIPTS + query).context["receipts"]) == count
