"""What people do about alerts: each in the trail, and in the timeline of the alert."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, User
from alerts.exceptions import NotAMemberError
from alerts.models import Alert, AlertEvent
from alerts.states import State
from alerts.telling import tell_acknowledged, tell_resolved
from alerts.writing import move, note
from audit.services import ActorLike, record

Kind = AlertEvent.Kind
LONGEST_NOTE = 5000


@transaction.atomic
def acknowledge(*, alert: Alert, actor: ActorLike, text: str = "") -> Alert:
    """Note that somebody knows; nobody is called any more.

    Raises:
        MovedError: it does not fire.
    """
    now = timezone.now()
    values = {"acknowledged_at": now, "acknowledged_by": actor.actor_name[:200]}
    move(alert.pk, State.ACKNOWLEDGED, **values)
    note(alert.pk, Kind.ACKNOWLEDGED, now, text, actor.actor_name)
    found = _again(alert)
    _audit(found, actor, "acknowledged", {"state": [alert.state, found.state], "note": text})
    tell_acknowledged(found)
    return found


@transaction.atomic
def resolve(*, alert: Alert, actor: ActorLike, text: str = "") -> Alert:
    """Close an alert; while its condition holds on, no other one is opened.

    Raises:
        MovedError: it is closed.
    """
    now = timezone.now()
    holds = alert.clear_since is None
    values = {"resolved_at": now, "resolved_by": actor.actor_name[:200], "holds": holds}
    move(alert.pk, State.RESOLVED, clear_since=None, **values)
    note(alert.pk, Kind.RESOLVED, now, text, actor.actor_name)
    found = _again(alert)
    _audit(found, actor, "resolved", {"state": [alert.state, found.state], "note": text})
    tell_resolved(found)
    return found


@transaction.atomic
def add_note(*, alert: Alert, actor: ActorLike, text: str) -> None:
    """Write down what somebody found out."""
    note(alert.pk, Kind.NOTE, timezone.now(), text[:LONGEST_NOTE], actor.actor_name)
    _audit(alert, actor, "noted", {"note": text[:LONGEST_NOTE]})


@transaction.atomic
def own(*, alert: Alert, owner: User | None, actor: ActorLike) -> None:
    """Say who takes care of an alert, or that nobody does.

    Raises:
        NotAMemberError: the owner is no member of the project.
    """
    members = Membership.objects.filter(project=alert.project_id)
    if owner is not None and not members.filter(user=owner).exists():
        raise NotAMemberError
    before = Alert.objects.select_related("owner").get(pk=alert.pk).owner
    Alert.objects.filter(pk=alert.pk).update(owner=owner)
    alert.owner = owner
    name = owner.username if owner else ""
    note(alert.pk, Kind.OWNER, timezone.now(), name or "nobody", actor.actor_name)
    _audit(alert, actor, "owned", {"owner": [before.username if before else "", name]})


def _again(alert: Alert) -> Alert:
    return Alert.objects.told().get(pk=alert.pk)


def _audit(alert: Alert, actor: ActorLike, act: str, changes: dict[str, Any]) -> None:
    record(actor=actor, action=f"alert.{act}", target=alert, project=alert.project, changes=changes)
