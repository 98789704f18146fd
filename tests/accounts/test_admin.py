"""What is done at the administration site is done with its event, or not at all.

With real transactions: the site opens its own, or forgets to.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client

from accounts.admin_audit import AuditedAdmin
from accounts.models import Membership, Project, User
from accounts.roles import Role
from accounts.services import create_project, set_member_role
from audit.models import AuditEvent
from audit.services import chain_name
from audit.verification import all_chains, verify_chain
from farm.models import Builder

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "correct-horse-battery"
USERS = "/admin/accounts/user/"
PROJECTS = "/admin/accounts/project/"
BUILDERS = "/admin/farm/builder/"


@pytest.fixture
def root(project: Project) -> User:
    return User.objects.create_superuser("root", password="root-password")


@pytest.fixture
def site(root: User) -> Iterator[Client]:
    """The browser of a superuser; whatever it does, all chains hold."""
    browser = Client()
    browser.force_login(root)
    yield browser
    assert [verify_chain(chain) for chain in all_chains()] == [None] * len(all_chains())


def told(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def delete_selected(site: Client, path: str, *rows: Any) -> int:
    form = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in rows],
        "post": "yes",
    }
    return int(site.post(path, form).status_code)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be written to the trail."""

    def refuse(**_: Any) -> None:
        raise InterruptedError

    monkeypatch.setattr("accounts.admin_audit.record", refuse)


class TestPasswords:
    def test_of_somebody_else(self, site: Client, bob: User):
        form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
        assert site.post(f"{USERS}{bob.pk}/password/", form).status_code == 302
        bob.refresh_from_db()
        assert bob.check_password(NEW)
        (event,) = told("user.changed")
        assert (event.actor_name, event.target_repr, event.chain) == ("root", "bob", "instance")
        assert NEW not in str(vars(event))

    @pytest.mark.usefixtures("failing")
    def test_without_its_event_it_stays_the_old_one(self, site: Client, bob: User, root: User):
        form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
        with pytest.raises(InterruptedError):
            site.post(f"{USERS}{bob.pk}/password/", form)
        own = {"old_password": "root-password", "new_password1": NEW, "new_password2": NEW}
        with pytest.raises(InterruptedError):
            site.post("/admin/password_change/", own)
        for user in (bob, root):
            user.refresh_from_db()
            assert user.check_password(f"{user.username}-password")

    def test_of_oneself(self, site: Client, root: User):
        form = {"old_password": "root-password", "new_password1": NEW, "new_password2": NEW}
        assert site.post("/admin/password_change/", form).status_code == 302
        root.refresh_from_db()
        assert root.check_password(NEW)
        (event,) = told("user.changed")
        assert (event.actor_name, event.target_id) == ("root", str(root.pk))
        assert event.changes == {"what": "password"}

    def test_a_wrong_one_changes_and_records_nothing(self, site: Client):
        form = {"old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
        assert site.post("/admin/password_change/", form).status_code == 200
        assert told("user.changed") == []


class TestDeletedPeople:
    def left(self) -> list[tuple[str, str, Any]]:
        return [
            (event.project_name, event.target_repr, event.changes["role"])
            for event in told("member.removed")
        ]

    def test_they_leave_each_of_their_projects(
        self, site: Client, project: Project, bob: User, carol: User
    ):
        elsewhere = Project.objects.get(slug="elsewhere")
        set_member_role(project=elsewhere, user=bob, role=Role.LEAD, actor=carol)
        assert site.post(f"{USERS}{bob.pk}/delete/", {"post": "yes"}).status_code == 302
        assert not Membership.objects.filter(user_id=bob.pk).exists()
        assert self.left() == [
            ("Shop", "bob", ["viewer", None]),
            ("Elsewhere", "bob", ["lead", None]),
        ]
        assert [event.chain for event in told("member.removed")] == [
            chain_name(project),
            chain_name(elsewhere),
        ]
        assert [event.target_repr for event in told("user.deleted")] == ["bob"]

    def test_several_at_once(self, site: Client, project: Project, alice: User, bob: User):
        assert delete_selected(site, USERS, alice, bob) == 302
        assert set(User.objects.values_list("username", flat=True)) == {"root"}
        assert self.left() == [
            ("Shop", "alice", ["admin", None]),
            ("Shop", "bob", ["viewer", None]),
        ]
        assert {event.target_repr for event in told("user.deleted")} == {"alice", "bob"}

    @pytest.mark.usefixtures("failing")
    def test_without_their_events_they_stay(self, site: Client, bob: User):
        with pytest.raises(InterruptedError):
            delete_selected(site, USERS, bob)
        assert Membership.objects.filter(user=bob).exists()
        assert told("member.removed") == []


class TestProjects:
    def test_the_end_is_in_its_own_chain_and_in_the_server_s(self, site: Client, project: Project):
        other = create_project(name="Other", owner=User.objects.get(username="alice"))
        assert delete_selected(site, PROJECTS, project, other) == 302
        assert not Project.objects.exists()
        expected = {
            (chain, str(row.public_id))
            for row in (project, other)
            for chain in (chain_name(row), "instance")
        }
        found = told("project.deleted")
        assert len(found) == 4
        assert {(event.chain, event.target_id) for event in found} == expected


class TestBuilders:
    def test_each_change_is_told(self, site: Client):
        form = {"name": "arm-1", "queue": "builds", "slots": "2", "is_enabled": "on"}
        assert site.post(f"{BUILDERS}add/", form).status_code == 302
        builder = Builder.objects.get(name="arm-1")
        changed = form | {"slots": "64"}
        assert site.post(f"{BUILDERS}{builder.pk}/change/", changed).status_code == 302
        assert delete_selected(site, BUILDERS, builder) == 302
        events = list(AuditEvent.objects.filter(action__startswith="builder.").order_by("pk"))
        assert [event.action for event in events] == [
            "builder.added",
            "builder.changed",
            "builder.deleted",
        ]
        assert events[1].changes == {"what": [{"changed": {"fields": ["Slots"]}}]}
        assert {event.chain for event in events} == {"instance"}


def test_whatever_can_be_changed_there_is_audited():
    models = admin.site._registry
    assert Group not in models
    assert {User, Project, Builder} <= set(models)
    for model, options in models.items():
        assert isinstance(options, AuditedAdmin), model
