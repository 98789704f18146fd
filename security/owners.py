"""Who sees to findings."""

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, User
from accounts.typing import Actor
from audit.services import record
from security.exceptions import NotAMemberError
from security.models import Finding, FindingEvent


@transaction.atomic
def set_owner(*, finding: Finding, owner: User | None, actor: Actor) -> None:
    """Give a finding to a member of its project, or to nobody.

    Raises:
        NotAMemberError: the owner is none.
    """
    members = Membership.objects.filter(project=finding.project_id)
    if owner is not None and not members.filter(user=owner).exists():
        raise NotAMemberError
    row = Finding.objects.select_for_update(of=("self",)).told().get(pk=finding.pk)
    finding.owner = owner
    if row.owner_id == (owner.pk if owner else None):
        return
    before, name = row.owner, owner.actor_name if owner else ""
    Finding.objects.filter(pk=row.pk).update(owner=owner)
    FindingEvent.objects.create(
        project_id=row.project_id,
        finding=row,
        at=timezone.now(),
        kind=FindingEvent.Kind.OWNER,
        actor=actor.actor_name,
        note=name,
    )
    record(
        actor=actor,
        action="finding.owner_changed",
        target=row,
        project=row.service.project,
        changes={"owner": name, "before": before.actor_name if before else ""},
    )


def member_named(finding: Finding, name: str) -> User:
    """Return the member of a finding's project who has a name.

    Raises:
        NotAMemberError: nobody has it there; who is elsewhere is not told.
    """
    members = User.objects.filter(memberships__project=finding.project_id)
    found = members.filter(username=name).first()
    if found is None:
        raise NotAMemberError
    return found


def members_of(project_id: int) -> list[User]:
    """Return who may own findings of a project, by name."""
    return list(User.objects.filter(memberships__project=project_id).order_by("username"))
