"""The trail of a project outlives it, and superusers find it."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Project, User
from accounts.services import create_project
from audit.appending import append_pending
from audit.checkpoints import signer
from audit.models import AuditEvent
from audit.services import chain_name
from audit.verification import verify_chain
from tests.evidence.conftest import verify

pytestmark = pytest.mark.django_db

API = "/api/v1/audit/"


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="root-password")


@pytest.fixture
def home(alice: User, auditor: User) -> Project:
    """The project that is left, on whose pages the trails are shown."""
    return create_project(name="Home", owner=alice)


@pytest.fixture
def gone(trail: Project, home: Project, root: User, client_of: Callable[[User], Client]) -> str:
    """The id of a project that was deleted."""
    path = f"/admin/accounts/project/{trail.pk}/delete/"
    assert client_of(root).post(path, {"post": "yes"}).status_code == 302
    assert not Project.objects.filter(slug="shop").exists()
    return chain_name(trail)


def test_its_end_is_the_last_event(gone: str):
    last = AuditEvent.objects.in_chain(gone).last()
    assert last is not None
    assert (last.action, last.target_id, last.project_name) == ("project.deleted", gone, "Shop")


def test_a_superuser_reads_it_by_api(gone: str, root: User, client_of: Callable[[User], Client]):
    browser = client_of(root)
    listed = browser.get(f"{API}?chain=server&action=project.deleted").json()["results"]
    assert [event["target_id"] for event in listed] == [gone]
    events = browser.get(f"{API}?chain={gone}").json()["results"]
    assert events[0]["action"] == "project.deleted"
    assert {"project.created", "member.added", "x.done"} <= {event["action"] for event in events}
    assert browser.get(f"{API}1/?chain={gone}").json()["action"] == "project.created"
    assert browser.get(f"{API}checkpoints/?chain={gone}").status_code == 200
    append_pending()
    viewed = AuditEvent.objects.get(action="audit.viewed", chain=gone)
    assert (viewed.actor_name, viewed.project_name, viewed.target_id) == ("root", "Shop", gone)
    assert verify_chain(gone) is None


def test_its_export_is_proved(
    gone: str, root: User, client_of: Callable[[User], Client], tmp_path: Path
):
    answer: Any = client_of(root).get(f"{API}export/?as=zip&chain={gone}")
    assert f'filename="audit-{gone}-' in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as file:
        file.extractall(tmp_path)
    lines = (tmp_path / "trail.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["header"]["project"] == "Shop"
    key = signer()
    assert key
    code, words = verify(tmp_path, "trail.jsonl", "--fingerprint", key.key_id)
    assert code == 0, words
    last = AuditEvent.objects.in_chain(gone).last()
    assert last is not None
    assert (last.action, last.actor_name) == ("audit.exported", "root")


def test_a_superuser_finds_it_from_the_server_s_trail(
    gone: str, root: User, client_of: Callable[[User], Client]
):
    browser = client_of(root)
    server = browser.get("/projects/home/audit/?chain=server").content.decode()
    address = f"/projects/home/audit/?chain={gone}"
    assert f'<a href="{address}">Shop</a>' in server
    page = browser.get(address).content.decode()
    assert "Audit trail of Shop" in page
    assert f"/projects/home/audit/1/?chain={gone}" in page
    assert f"chain={gone}" in page.partition('id="export-title"')[2]
    assert f'<input type="hidden" name="chain" value="{gone}">' in page
    event = browser.get(f"/projects/home/audit/1/?chain={gone}").content.decode()
    assert "project.created" in event
    assert "Projects that were deleted" not in page


def test_a_living_project_is_not_among_the_deleted(
    trail: Project, home: Project, root: User, client_of: Callable[[User], Client]
):
    browser = client_of(root)
    page = browser.get("/projects/home/audit/?chain=server").content.decode()
    assert "Projects that were deleted" not in page
    living = browser.get(f"{API}?chain={trail.public_id}").json()["results"]
    assert living[-1]["action"] == "project.created"


def test_nobody_else_and_nothing_else(
    gone: str, alice: User, root: User, client_of: Callable[[User], Client]
):
    before = AuditEvent.objects.in_chain(gone).count()
    for path in (API, f"{API}1/", f"{API}checkpoints/", f"{API}export/", "/projects/home/audit/"):
        assert client_of(alice).get(f"{path}?chain={gone}").status_code == 404, path
        for chain in (uuid4(), "instance", "x", "0"):
            assert client_of(root).get(f"{path}?chain={chain}").status_code == 404, path
    append_pending()
    assert AuditEvent.objects.in_chain(gone).count() == before
