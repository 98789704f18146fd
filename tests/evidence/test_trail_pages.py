"""The trail on its page and in the API: who may see it, what it shows, what it costs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.appending import append_pending
from audit.models import AuditEvent
from audit.services import SYSTEM, chain_name, record
from audit.verification import verify_chain
from tests.audit.test_trail import tamper

pytestmark = pytest.mark.django_db

BUDGETS = Path(__file__).resolve().parents[1] / "query_budgets.json"
PAGE = "/projects/shop/audit/"
API = "/api/v1/audit/"


@pytest.fixture
def reader(api_of: Callable[..., APIClient]) -> APIClient:
    """A token that may read the trail."""
    return api_of(Scope.AUDIT_READ)


class TestWhoMaySee:
    def test_an_auditor_and_no_viewer(
        self, trail: Project, auditor: User, bob: User, carol: User, client_of
    ):
        assert client_of(auditor).get(PAGE).status_code == 200
        for other in (bob, carol):
            assert client_of(other).get(PAGE).status_code == 404
            assert client_of(other).get(f"{PAGE}1/").status_code == 404
            assert client_of(other).get(f"{PAGE}keys/").status_code == 404

    def test_a_viewer_sees_no_tab(self, trail: Project, auditor: User, bob: User, client_of):
        page = "/projects/shop/findings/"
        assert PAGE in client_of(auditor).get(page).content.decode()
        assert PAGE not in client_of(bob).get(page).content.decode()

    def test_a_token_needs_the_scope(self, trail: Project, reader: APIClient, api: APIClient):
        for path in (API, f"{API}1/", f"{API}checkpoints/", f"{API}keys/", f"{API}export/?as=csv"):
            assert reader.get(path).status_code == 200, path
            assert api.get(path).status_code == 403, path

    def test_another_project_is_as_if_it_were_not_there(self, carol: User, reader: APIClient):
        assert reader.get(f"{API}?project=elsewhere").status_code == 400

    def test_the_server_s_chain_is_for_superusers(
        self, trail: Project, auditor: User, reader: APIClient, client_of
    ):
        root = User.objects.create_superuser("root", password="root-password")
        with transaction.atomic():
            record(actor=SYSTEM, action="x.done", target=root)
        assert client_of(auditor).get(f"{PAGE}?chain=server").status_code == 404
        assert reader.get(f"{API}?chain=server").status_code == 404
        page = client_of(root).get(f"{PAGE}?chain=server").content.decode()
        assert "Audit trail of the server" in page
        assert f"{PAGE}1/?chain=server" in page


class TestWhatIsShown:
    def test_filters(self, trail: Project, reader: APIClient):
        def found(query: str) -> list[str]:
            return [row["action"] for row in reader.get(f"{API}?{query}").data["results"]]

        assert found("action=member.added") == ["member.added"]
        assert found("action=member.") == ["member.added"]
        assert len(found("actor=alice&action=x.done")) == 10
        assert found("actor=bob") == []
        assert found(f"target={trail.public_id}&action=project.created") == ["project.created"]
        assert found("before=2020-01-01") == []
        assert found("address=192.0.2.1") == []
        assert reader.get(f"{API}?address=nonsense").status_code == 400

    def test_an_event_with_before_and_after(self, trail: Project, auditor: User, client_of):
        event = AuditEvent.objects.get(action="member.added", changes={"role": [None, "auditor"]})
        page = client_of(auditor).get(f"{PAGE}{event.sequence}/").content.decode()
        assert "<del>nothing</del>" in page
        assert "<ins>auditor</ins>" in page
        assert event.hash in page

    def test_a_target_is_linked(self, trail: Project, auditor: User, client_of):
        page = client_of(auditor).get(f"{PAGE}1/").content.decode()
        assert f'<a href="{trail.get_absolute_url()}">Shop</a>' in page

    def test_text_is_inert(self, project: Project, auditor: User, client_of):
        with transaction.atomic():
            changes = {"name": "<script>x</script>"}
            event = record(
                actor=SYSTEM, action="x.done", target=project, project=project, changes=changes
            )
        page = client_of(auditor).get(f"{PAGE}{event.sequence}/").content.decode()
        assert "&lt;script&gt;" in page
        assert "<script>x" not in page

    def test_looking_is_noted_once_a_day(self, trail: Project, auditor: User, client_of):
        browser = client_of(auditor)
        for path in (PAGE, f"{PAGE}?actor=alice", f"{PAGE}2/", API):
            browser.get(path)
        append_pending()
        event = AuditEvent.objects.get(action="audit.viewed")
        assert (event.actor_name, event.ip) == ("erin", "127.0.0.1")

    def test_a_broken_chain_is_loud(self, trail: Project, auditor: User, client_of):
        tamper("UPDATE audit_auditevent SET actor_name = 'mallory' WHERE sequence = 3")
        assert verify_chain(chain_name(trail))
        page = client_of(auditor).get(PAGE).content.decode()
        assert "This trail does not hold" in page
        assert "At event 3 its content does not match its hash" in page


def test_ten_times_the_events_cost_the_same(trail: Project, auditor: User, client_of):
    browser: Client = client_of(auditor)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            browser.get(PAGE)
        return len(captured)

    queries()
    few = queries()
    with transaction.atomic():
        for _ in range(40):
            record(actor=SYSTEM, action="x.done", target=trail, project=trail)
    assert queries() == few == json.loads(BUDGETS.read_text())["audit_trail"]


@pytest.mark.parametrize(
    ("form", "start"),
    [("zip", b"PK"), ("jsonl", b'{"header"'), ("csv", b"sequence,"), ("pdf", b"%PDF")],
)
def test_exports(trail: Project, reader: APIClient, form: str, start: bytes):
    answer = reader.get(f"{API}export/?as={form}&actor=alice", HTTP_ACCEPT="application/x-none")
    body = b"".join(answer.streaming_content)
    assert body.startswith(start)
    assert answer["Content-Disposition"].endswith(f'.{form}"')
    event = AuditEvent.objects.get(action="audit.exported")
    assert event.changes == {"format": form, "filters": {"actor": "alice"}}
    assert event.actor_name == "token ci"


def test_a_wrong_format_is_told(trail: Project, reader: APIClient):
    assert reader.get(f"{API}export/?as=xml").data["errors"][0]["attr"] == "as"


def test_without_its_key_the_server_exports_nothing(trail: Project, reader: APIClient, settings):
    settings.AUDIT_SIGNING_KEY_FILE = "/nowhere/key.pem"
    answer = reader.get(f"{API}export/")
    assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "no_signing_key")
