"""Trails, exports and dossiers of others: not there, whatever is written into an address."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import create_project, set_member_role
from audit.appending import append_pending
from audit.models import AuditEvent
from audit.services import chain_name, record, record_once_a_day, record_soon
from builds.models import Image

pytestmark = pytest.mark.django_db
EXPORT = "/api/v1/audit/export/"
LISTS = ("/api/v1/audit/", "/api/v1/audit/checkpoints/", f"{EXPORT}?as=csv", f"{EXPORT}?as=pdf")


@pytest.fixture
def foreign(carol: User) -> Project:
    """A project that nobody of ours may see, with an image."""
    project = create_project(name="Foreign", owner=carol)
    Image.objects.create(project=project, digest="sha256:" + "a" * 64)
    return project


@pytest.mark.parametrize("path", LISTS)
def test_no_trail_of_another_project_nor_of_the_server(
    auditor: User,
    project: Project,
    foreign: Project,
    client_of: Callable[[User], Client],
    path: str,
):
    browser = client_of(auditor)
    before = AuditEvent.objects.filter(chain=chain_name(foreign)).count()
    mark = "&" if "?" in path else "?"
    assert browser.get(path).status_code == 200
    assert browser.get(f"{path}{mark}project={foreign.slug}").status_code == 400
    assert (
        browser.get(f"{path}{mark}project={project.slug}&project={foreign.slug}").status_code == 400
    )
    assert browser.get(f"{path}{mark}chain=server").status_code == 404
    append_pending()
    assert AuditEvent.objects.filter(chain=chain_name(foreign)).count() == before


@pytest.mark.parametrize("scopes", [[Scope.BUILDS_READ], [Scope.INGEST_WRITE], []])
def test_tokens_without_the_scope(api_of: Callable[..., APIClient], scopes: list[Scope]):
    api = api_of(*(scopes or [Scope.CHANNELS_WRITE]))
    for path in (*LISTS, "/api/v1/audit/keys/"):
        assert api.get(path).status_code in {400, 403}, path


def test_the_dossier_of_another_projects_image(
    project: Project, auditor: User, foreign: Project, client_of: Callable[[User], Client]
):
    browser, digest = client_of(auditor), "sha256:" + "a" * 64
    api = f"/api/v1/images/{digest}/dossier/"
    assert browser.get(f"{api}?project={project.slug}").status_code == 404
    assert browser.get(f"{api}?project={foreign.slug}").status_code == 400
    assert browser.get(f"/projects/{project.slug}/images/{digest}/dossier/").status_code == 404
    assert browser.get(f"/projects/{foreign.slug}/images/{digest}/dossier/").status_code == 404


def test_nobody_writes_to_the_trail_through_its_addresses(
    auditor: User, project: Project, client_of: Callable[[User], Client]
):
    browser = client_of(auditor)
    for path in (*LISTS, "/api/v1/audit/keys/", "/api/v1/audit/1/"):
        for method in (browser.post, browser.put, browser.patch, browser.delete):
            assert method(path).status_code == 405, path


@pytest.mark.parametrize("note", [record, record_soon, record_once_a_day])
def test_an_act_and_its_event_stand_or_fall_together(
    project: Project, alice: User, bob: User, note: Any
):
    before = AuditEvent.objects.count()

    @transaction.atomic
    def act(*, fails: bool) -> None:
        set_member_role(project=project, user=bob, role=Role.ADMIN, actor=alice)
        note(actor=alice, action="x.done", target=project, project=project)
        if fails:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        act(fails=True)
    append_pending()
    assert AuditEvent.objects.count() == before
    assert not project.memberships.filter(user=bob, role=Role.ADMIN).exists()
    act(fails=False)
    append_pending()
    assert AuditEvent.objects.filter(action="x.done").count() == 1
