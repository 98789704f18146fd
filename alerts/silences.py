"""Writes of silences."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.limits import MOST_SILENCES, require_room
from accounts.models import Project
from alerts.exceptions import OverError
from alerts.models import AlertRule, Silence
from audit.services import ActorLike, record
from builds.labels import written
from builds.models import Service


@transaction.atomic
def create_silence(
    *,
    project: Project,
    rule: AlertRule | None,
    service: Service | None,
    labels: Mapping[str, str],
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: ActorLike,
) -> Silence:
    """Let alerts of a rule, of services, of both or all be kept and not sent for a time.

    Raises:
        TooManyError: the project has as many as it may.
    """
    coming = Silence.objects.filter(project=project, ends_at__gt=timezone.now())
    require_room(coming, MOST_SILENCES, "silences", "end one")
    silence = Silence.objects.create(
        project=project,
        rule=rule,
        service=service,
        labels=written(labels),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        created_by=actor.actor_name[:200],
    )
    changes = {
        "covers": silence.covers,
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "reason": reason,
    }
    _audit(silence, actor, "created", changes)
    return silence


@transaction.atomic
def end_silence(*, silence: Silence, actor: ActorLike) -> Silence:
    """End a silence before its time; what fires still is told at the next evaluation.

    Raises:
        OverError: it has ended.
    """
    now = timezone.now()
    row = Silence.objects.select_for_update(of=("self",)).told().get(pk=silence.pk)
    if row.ends_at <= now:
        raise OverError
    before = row.ends_at
    row.ends_at, row.starts_at = now, min(row.starts_at, now)
    row.ended_by = actor.actor_name[:200]
    row.save(update_fields=["ends_at", "starts_at", "ended_by"])
    _audit(row, actor, "ended", {"ends_at": [before.isoformat(), now.isoformat()]})
    return row


def _audit(silence: Silence, actor: ActorLike, act: str, changes: Mapping[str, object]) -> None:
    record(
        actor=actor,
        action=f"silence.{act}",
        target=silence,
        project=silence.project,
        changes=changes,
    )
