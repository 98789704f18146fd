"""Acts on caches: kept once, in the audit trail, shown to whom they belong."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from audit.services import chain_name
from audit.verification import verify_chain
from cache.models import CacheAct
from cli import journal
from cli.settings import Server

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/cache/acts/"


def act(**fields: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "at": "2026-11-25T06:00:00Z",
        "user": "dev",
        "host": "laptop",
        "action": "prune",
        "target": "builder",
        "dry_run": False,
        "outcome": "Removed 3 entries, 12.0 MB.",
        "details": {"entries": ["a", "b", "c"]},
    } | fields


def test_an_act_is_kept_once_and_is_in_the_trail(ci: APIClient, project: Project):
    first, second = act(), act(action="invalidate", target="<b>api</b> token=abcdefgh12345678")
    second["details"] = {"steps": ["RUN curl https://ann:hunter22@host/\0", 1, None]}
    answer = ci.post(ADDRESS, {"acts": [first, second]}, format="json")
    assert (answer.status_code, answer.json()) == (201, {"recorded": 2})
    again = ci.post(ADDRESS, {"acts": [first]}, format="json")
    assert again.json() == {"recorded": 0}
    kept = CacheAct.objects.get(act_id=first["id"])
    assert kept.details == first["details"]
    masked = CacheAct.objects.get(act_id=second["id"]).details
    assert masked == {"steps": ["RUN curl https://ann:••••••@host/\ufffd", 1, None]}
    events = AuditEvent.objects.in_chain(chain_name(project)).filter(action__startswith="cache.")
    assert [event.action for event in events] == ["cache.prune", "cache.invalidate"]
    assert (events[0].changes["user"], events[0].changes["outcome"]) == ("dev", first["outcome"])
    assert "abcdefgh12345678" not in str(events[1].changes)
    assert verify_chain(chain_name(project)) is None


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"action": "DROP TABLE"}, "acts.0.action"),
        ({"id": "x"}, "acts.0.id"),
        ({"at": "yesterday"}, "acts.0.at"),
        ({"details": {"x": "y" * 300_000}}, "acts.0.details"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    ci: APIClient, fields: dict[str, Any], place: str
):
    answer = ci.post(ADDRESS, {"acts": [act(**fields), act()]}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == place
    assert not CacheAct.objects.exists()


def test_too_many_at_once_and_other_scopes_are_refused(
    ci: APIClient, api_of: Callable[..., APIClient]
):
    many = ci.post(ADDRESS, {"acts": [act() for _ in range(101)]}, format="json")
    assert many.status_code == 400
    reader = api_of(Scope.BUILDS_READ)
    assert reader.post(ADDRESS, {"acts": [act()]}, format="json").status_code == 403


def test_the_page_shows_them_escaped_and_only_to_members(
    ci: APIClient,
    client_of: Callable[[User], Client],
    bob: User,
    carol: User,
    project: Project,
):
    address = f"/projects/{project.slug}/cache/acts/"
    assert "Nothing was done yet" in client_of(bob).get(address).content.decode()
    ci.post(ADDRESS, {"acts": [act(target="<b>x</b>", dry_run=True)]}, format="json")
    page = client_of(bob).get(address).content.decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "dry run" in page
    assert client_of(carol).get(address).status_code == 404


def test_the_journal_is_sent_in_order_once_and_waits_for_a_server(
    ci: APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path))
    for number in range(journal.AT_ONCE + 1):
        journal.note("warm", f"target {number}", dry_run=True, outcome="planned", details={})
    assert journal.send(Server("http://127.0.0.1:1", "token")) == 0, "nobody answers"
    sent: list[int] = []

    def post(_: str, *, json: dict[str, Any], **__: Any) -> Any:
        answer = ci.post(ADDRESS, json, format="json")
        answer.ok = answer.status_code < 400
        sent.append(answer.json()["recorded"])
        return answer

    monkeypatch.setattr("requests.post", post)
    server = Server("http://server", "token")
    assert journal.send(server) == journal.AT_ONCE + 1
    assert sent == [journal.AT_ONCE, 1]
    assert journal.send(server) == 0
    journal.note("prune", "builder", dry_run=False, outcome="Removed.", details={})
    assert journal.send(server) == 1
    assert CacheAct.objects.count() == journal.AT_ONCE + 2
