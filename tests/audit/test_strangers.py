"""The trail does not grow as strangers please."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from audit.appending import append_pending
from audit.models import AuditEvent, PendingEvent
from audit.services import Stranger, record_once_a_day
from farm.models import PushHook

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _elsewhere() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


def told(action: str) -> list[AuditEvent]:
    append_pending()
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def ask(secret: str, **headers: Any) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return int(client.get("/api/v1/builds/", **headers).status_code)


def test_all_unknown_tokens_are_one():
    assert {ask(f"bi_{name}_x") for name in ("one", "two", "three")} == {401}
    (event,) = told("token.refused")
    assert (event.chain, event.actor_name, event.target_id) == ("instance", "unknown token", "")
    assert ask("bi_four_x", REMOTE_ADDR="192.0.2.9") == 401
    assert [event.ip for event in told("token.refused")] == ["127.0.0.1", "192.0.2.9"]


def test_guesses_of_known_tokens_are_one_each(project: Project, alice: User):
    made = [
        create_token(project=project, name=name, scopes=[Scope.BUILDS_READ], actor=alice)[0]
        for name in ("ci", "cd")
    ]
    for token in (*made, *made):
        ask(f"bi_{token.prefix}_guess")
    assert [event.target_id for event in told("token.refused")] == [
        str(token.public_id) for token in made
    ]


def test_names_of_nobody_are_one_and_each_person_is_one(alice: User, bob: User):
    for name in ("nobody", "xavier", "alice", "bob", "alice", "zoe"):
        Client().post("/login/", {"username": name, "password": "wrong"})
        Client().post("/admin/login/", {"username": name, "password": "wrong"})
    assert [event.actor_name for event in told("login.failed")] == ["nob…", "alice", "bob"]


def test_a_webhook_is_one(project: Project):
    hook = PushHook.objects.create(project=project)
    for number in range(3):
        answer = APIClient().post(
            f"/api/v1/hooks/{hook.public_id}/push/", {"n": number}, format="json"
        )
        assert answer.status_code == 401
    (event,) = told("hook.refused")
    assert (event.actor_type, event.target_id) == ("stranger", str(hook.public_id))


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["192.0.2.1", "192.0.2.2"], 2),
        (["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"], 1),
        (["2001:db8::1", "2001:db8:0:1::1"], 2),
        (["::ffff:192.0.2.1", "::ffff:192.0.2.2"], 2),
        (["nonsense", ""], 1),
    ],
)
def test_of_an_address_of_ipv6_its_network_counts(
    project: Project, addresses: list[str], expected: int
):
    for address in addresses:
        structlog.contextvars.bind_contextvars(ip=address)
        record_once_a_day(actor=Stranger(f"at {address}"), action="x.tried", target=project)
    assert PendingEvent.objects.count() == expected


def test_of_whom_we_know_each_address_counts(project: Project, alice: User):
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8::2"):
        structlog.contextvars.bind_contextvars(ip=address)
        record_once_a_day(actor=alice, action="x.done", target=project)
    assert PendingEvent.objects.count() == 2
