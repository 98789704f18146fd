"""Writes of projects, members and tokens; each is audited in its own transaction."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils.text import slugify

from accounts.exceptions import LastAdministratorError
from accounts.models import ApiToken, Membership, Project, User
from accounts.roles import Role, Scope
from accounts.typing import Actor
from audit.services import record

TOKEN_MARK = "bi"  # noqa: S105  # so that secret scanners can recognise a leaked token


def token_digest(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_project(*, name: str, owner: User, slug: str = "") -> Project:
    """Create a project whose first administrator is ``owner``."""
    project = Project.objects.create(name=name, slug=slug or slugify(name))
    Membership.objects.create(project=project, user=owner, role=Role.ADMIN)
    record(actor=owner, action="project.created", target=project, project=project)
    return project


@transaction.atomic
def create_token(
    *,
    project: Project,
    name: str,
    scopes: Collection[Scope],
    actor: User,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Create a token; return it with its secret, which cannot be read again."""
    prefix = secrets.token_hex(6)
    secret = f"{TOKEN_MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        project=project,
        name=name,
        prefix=prefix,
        digest=token_digest(secret),
        scopes=sorted(scopes),
        created_by=actor,
        expires_at=expires_at,
    )
    changes = {"name": name, "scopes": sorted(scopes)}
    record(actor=actor, action="token.created", target=token, project=project, changes=changes)
    return token, secret


@transaction.atomic
def revoke_token(*, token: ApiToken, actor: Actor) -> ApiToken:
    """Make a token useless from now on; doing it twice changes nothing."""
    changed = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=Now())
    if changed:
        record(actor=actor, action="token.revoked", target=token, project=token.project)
    token.refresh_from_db()
    return token


@transaction.atomic
def set_member_role(*, project: Project, user: User, role: Role, actor: Actor) -> Membership:
    """Add ``user`` to the project or change the role; the last administrator stays one."""
    old = Membership.objects.filter(project=project, user=user).first()
    if old and old.role == Role.ADMIN and role != Role.ADMIN:
        _require_another_admin(old)
    membership, _ = Membership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    record(
        actor=actor,
        action="member.role_changed" if old else "member.added",
        target=user,
        project=project,
        changes={"role": [old.role if old else None, role]},
    )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor) -> None:
    """Take a person out of a project; the last administrator stays."""
    membership = Membership.objects.select_for_update().get(pk=membership.pk)
    if membership.role == Role.ADMIN:
        _require_another_admin(membership)
    _record_removal(membership, actor)
    membership.delete()


@transaction.atomic
def record_departures(*, users: Collection[User], actor: Actor) -> None:
    """Note in each project's trail who leaves it: for people who are deleted in this transaction.

    Whoever deletes people sees to the projects that lose their last administrator so.
    """
    held = Membership.objects.filter(user__in=users).select_related("user", "project")
    for membership in held.order_by("project_id", "user_id").select_for_update(of=("self",)):
        _record_removal(membership, actor)


def _record_removal(membership: Membership, actor: Actor) -> None:
    record(
        actor=actor,
        action="member.removed",
        target=membership.user,
        project=membership.project,
        changes={"role": [membership.role, None]},
    )


def _require_another_admin(membership: Membership) -> None:
    """Lock the project's administrators, so that two cannot step down at once."""
    admins = Membership.objects.select_for_update().filter(
        project_id=membership.project_id, role=Role.ADMIN
    )
    if not [admin for admin in admins if admin.pk != membership.pk]:
        raise LastAdministratorError
