"""Notes of builds that came to a builder, changed or went; within the build's transaction."""

from datetime import datetime
from typing import Any

from django.db import connection

from builds.models import Build
from resources.querysets import LONGEST

MARK = """
INSERT INTO resources_waitinghour (project_id, builder, hour)
SELECT DISTINCT project_id, builder, hour
FROM places, generate_series(date_trunc('hour', start, 'UTC'), "end", interval '1 hour') AS hour
ORDER BY hour
ON CONFLICT (project_id, builder, hour) DO UPDATE SET version = resources_waitinghour.version + 1
"""
"""In the order of hours, so that two builds cannot wait for each other's locks."""

COLUMNS = 'project_id, builder, start, "end"'

CAME = f"""
WITH known AS (SELECT {COLUMNS} FROM resources_stay WHERE build_id = %(build)s),
stay AS (
    INSERT INTO resources_stay (build_id, {COLUMNS})
    VALUES (%(build)s, %(project)s, %(builder)s, %(start)s, %(end)s)
    ON CONFLICT (build_id) DO UPDATE SET
        project_id = EXCLUDED.project_id, builder = EXCLUDED.builder,
        start = EXCLUDED.start, "end" = EXCLUDED."end"
    RETURNING {COLUMNS}
),
places AS (SELECT * FROM stay UNION SELECT * FROM known)
{MARK}
"""  # noqa: S608

WENT = f"""
WITH places AS (DELETE FROM resources_stay WHERE build_id = %(build)s RETURNING {COLUMNS})
{MARK}
"""  # noqa: S608


def note(*, build: Build, **_: Any) -> None:
    """Note when a build was on its builder: the hours it touches, or touched, wait."""
    span = span_of(build)
    if span is None:
        forget(build=build)
        return
    values: dict[str, Any] = {"project": build.project_id, "builder": build.builder}
    with connection.cursor() as cursor:  # one statement: this is on the way of every build
        cursor.execute(CAME, values | {"build": build.pk, "start": span[0], "end": span[1]})


def forget(*, build: Build, **_: Any) -> None:
    """Note that a build is counted no more."""
    with connection.cursor() as cursor:
        cursor.execute(WENT, {"build": build.pk})


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
