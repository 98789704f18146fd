"""Writes about series and changes."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.services import ActorLike, record
from builds.models import Build
from trends.exceptions import NotOpenError
from trends.models import Change

ASK = """
INSERT INTO trends_waiting (service_id, since) VALUES (%s, %s)
ON CONFLICT (service_id) DO UPDATE SET
    since = LEAST(trends_waiting.since, EXCLUDED.since), version = trends_waiting.version + 1
"""


def ask_for(*, build: Build, listed_before: datetime | None = None, **_: Any) -> None:
    """Note that a build came, or was corrected, or moved in time.

    One that was recorded before may have been followed, however it ended now.
    """
    if build.status == Build.Status.SUCCEEDED or (listed_before and build.is_final):
        mark(build.service_id, min(build.listed_at, listed_before or build.listed_at))


def forget(*, build: Build, **_: Any) -> None:
    """Note that a build is counted no more."""
    if build.status == Build.Status.SUCCEEDED:
        mark(build.service_id, build.listed_at)


def mark(service_id: int, since: datetime) -> None:
    """Let the series of a service be followed again from a moment on."""
    with connection.cursor() as cursor:
        cursor.execute(ASK, [service_id, since])


@transaction.atomic
def acknowledge(*, change: Change, reason: str, actor: ActorLike) -> None:
    """Note that somebody knows of a change, and why it may stay.

    Raises:
        NotOpenError: it has gone back, or somebody knew before.
    """
    waiting = Change.objects.filter(pk=change.pk).open()
    values = {"acknowledged_by": actor.actor_name, "reason": reason[:500]}
    if not waiting.update(state=Change.State.ACKNOWLEDGED, **values):
        raise NotOpenError
    project = change.series.service.project
    record(
        actor=actor,
        action="change.acknowledged",
        target=change,
        project=project,
        changes={"reason": reason[:500]},
    )
