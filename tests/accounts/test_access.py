"""Who may do what: roles, tokens, members."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.exceptions import LastAdministratorError
from accounts.models import ApiToken, Membership, Project, User
from accounts.roles import ROLE_SCOPES, Role, Scope
from accounts.services import (
    create_token,
    remove_member,
    revoke_token,
    set_member_role,
    token_digest,
)
from audit.models import AuditEvent

BUILDS = "/api/v1/builds/"


@pytest.mark.parametrize(
    ("role", "granted", "denied"),
    [
        (Role.VIEWER, Scope.BUILDS_READ, Scope.INGEST_READ),
        (Role.LEAD, Scope.SERVICES_WRITE, Scope.BUILDS_TRIGGER),
        (Role.OPERATOR, Scope.BUILDS_TRIGGER, Scope.AUDIT_READ),
        (Role.AUDITOR, Scope.AUDIT_READ, Scope.INGEST_WRITE),
        (Role.ADMIN, Scope.MEMBERS_WRITE, None),
    ],
)
def test_roles(role: Role, granted: Scope, denied: Scope | None):
    assert Scope.BUILDS_READ in ROLE_SCOPES[role]
    assert granted in ROLE_SCOPES[role]
    assert denied not in ROLE_SCOPES[role]


@pytest.mark.django_db
class TestProjects:
    def test_a_scope_opens_the_projects_in_which_it_is_held(
        self, project: Project, alice: User, bob: User, carol: User
    ):
        assert alice.project_ids_with(Scope.MEMBERS_WRITE) == [project.pk]
        assert bob.project_ids_with(Scope.BUILDS_READ) == [project.pk]
        assert bob.project_ids_with(Scope.MEMBERS_WRITE) == []
        assert project.pk not in carol.project_ids_with(Scope.BUILDS_READ)

    def test_a_superuser_holds_everything(self, project: Project, carol: User):
        root = User.objects.create_superuser("root", password="root-password")
        assert set(root.project_ids_with(Scope.AUDIT_READ)) == set(
            Project.objects.values_list("pk", flat=True)
        )

    def test_all_questions_of_a_request_cost_one_query(
        self, project: Project, bob: User, django_assert_num_queries
    ):
        with django_assert_num_queries(1):
            for scope in Scope:
                bob.project_ids_with(scope)


@pytest.mark.django_db
class TestTokens:
    def make(self, project: Project, actor: User, **options) -> tuple[ApiToken, APIClient]:
        token, secret = create_token(
            project=project, name="ci", scopes=[Scope.BUILDS_READ], actor=actor, **options
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return token, client

    def test_only_a_digest_is_stored(self, project: Project, alice: User):
        token, secret = create_token(
            project=project, name="ci", scopes=[Scope.BUILDS_READ], actor=alice
        )
        assert token.digest == token_digest(secret)
        assert secret not in str(ApiToken.objects.values().get())
        said = str(AuditEvent.objects.filter(action="token.created").values().get())
        assert secret not in said

    def test_it_opens_its_project_and_notes_its_use(self, project: Project, alice: User):
        token, client = self.make(project, alice)
        assert client.get(BUILDS).status_code == 200
        token.refresh_from_db()
        assert token.last_used_at is not None

    def test_a_revoked_one_is_refused(self, project: Project, alice: User):
        token, client = self.make(project, alice)
        revoke_token(token=token, actor=alice)
        revoke_token(token=token, actor=alice)
        answer = client.get(BUILDS)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert AuditEvent.objects.filter(action="token.revoked").count() == 1

    def test_an_expired_one_is_refused(self, project: Project, alice: User):
        past = timezone.now() - timedelta(seconds=1)
        _, client = self.make(project, alice, expires_at=past)
        assert client.get(BUILDS).status_code == 401

    @pytest.mark.parametrize("secret", ["", "x", "bi_", "bi_abc_def", "bi_\0_x", "bi_é_x"])
    def test_a_wrong_one_is_refused(self, project: Project, secret: str):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}".encode("latin-1"))
        assert client.get(BUILDS).status_code == 401

    def test_a_known_prefix_with_another_secret_is_refused(self, project: Project, alice: User):
        token, _ = self.make(project, alice)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer bi_{token.prefix}_guess")
        assert client.get(BUILDS).status_code == 401


@pytest.mark.django_db
class TestMembers:
    def test_changes_are_audited(self, project: Project, alice: User, bob: User):
        set_member_role(project=project, user=bob, role=Role.LEAD, actor=alice)
        event = AuditEvent.objects.get(action="member.role_changed")
        assert event.changes == {"role": ["viewer", "lead"]}

    def test_the_last_administrator_stays(self, project: Project, alice: User, bob: User):
        own = Membership.objects.get(project=project, user=alice)
        with pytest.raises(LastAdministratorError):
            remove_member(membership=own, actor=alice)
        with pytest.raises(LastAdministratorError):
            set_member_role(project=project, user=alice, role=Role.VIEWER, actor=alice)
        set_member_role(project=project, user=bob, role=Role.ADMIN, actor=alice)
        remove_member(membership=own, actor=alice)
        assert [m.user for m in project.memberships.all()] == [bob]


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_step_down_at_once(project: Project, alice: User, bob: User):
    set_member_role(project=project, user=bob, role=Role.ADMIN, actor=alice)
    refused = []

    def step_down(user: User) -> None:
        try:
            set_member_role(project=project, user=user, role=Role.VIEWER, actor=user)
        except LastAdministratorError:
            refused.append(user)
        connection.close()

    threads = [Thread(target=step_down, args=[user]) for user in (alice, bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert project.memberships.filter(role=Role.ADMIN).count() == 1
