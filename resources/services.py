"""Notes of builds that came to a builder, changed or went; within the build's transaction."""

from datetime import datetime
from typing import Any

from django.db import connection

from builds.models import Build
from resources.models import Stay
from resources.querysets import LONGEST

STAY = """
INSERT INTO resources_stay (build_id, project_id, builder, start, "end")
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (build_id) DO UPDATE SET
    project_id = EXCLUDED.project_id, builder = EXCLUDED.builder,
    start = EXCLUDED.start, "end" = EXCLUDED."end"
"""

MARK = """
INSERT INTO resources_waitinghour (project_id, builder, hour)
SELECT %(project)s, %(builder)s, hour
FROM generate_series(
    date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s::timestamptz, interval '1 hour'
) AS hour
ON CONFLICT (project_id, builder, hour) DO UPDATE SET version = resources_waitinghour.version + 1
"""
"""In the order of hours, so that two builds cannot wait for each other's locks."""


def note(*, build: Build, **_: Any) -> None:
    """Note when a build was on its builder: the hours it touches, or touched, wait."""
    known = Stay.objects.filter(build=build).first()
    span = span_of(build)
    if known and (span is None or _place(known) != (build.project_id, build.builder, *span)):
        mark(*_place(known))
    if span is None:
        Stay.objects.filter(build=build).delete()
        return
    place = (build.project_id, build.builder, *span)
    with connection.cursor() as cursor:
        cursor.execute(STAY, [build.pk, *place])
    mark(*place)


def forget(*, build: Build, **_: Any) -> None:
    """Note that a build is counted no more: its row goes with it."""
    known = Stay.objects.filter(build=build).first()
    if known:
        mark(*_place(known))


def span_of(build: Build) -> tuple[datetime, datetime] | None:
    """Return when a build was on its builder, if it has ended and says so.

    A start that its lists do not go by is that of a wrong clock.
    """
    start, end = build.started_at, build.completed_at
    if not build.is_final or not build.builder or start is None or end is None:
        return None
    if start != build.listed_at or end < start:
        return None
    return start, min(end, start + LONGEST)


def mark(project_id: int, builder: str, start: datetime, end: datetime) -> None:
    """Let the hours of that time be made again."""
    values: dict[str, Any] = {"project": project_id, "builder": builder, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(MARK, values)


def _place(stay: Stay) -> tuple[int, str, datetime, datetime]:
    return stay.project_id, stay.builder, stay.start, stay.end
