"""How long builds that the server was asked for wait for a worker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from pydantic import Field

from accounts.models import Project
from alerts.conditions.contract import (
    JUST,
    Condition,
    Observation,
    Parameters,
    Wanted,
    Window,
    between,
)
from buildinsights.templatetags.formats import counted, duration, ratio

ASKED = """
SELECT r.builder_id, r.requested_at,
    coalesce(r.claimed_at, r.ended_at, 'infinity') AS taken_at,
    greatest(r.requested_at, r.not_before, (
        SELECT max(CASE WHEN nb.status = 'succeeded' THEN coalesce(n.ended_at, 'infinity')
            ELSE 'infinity' END)
        FROM farm_requestneed need
        JOIN farm_buildrequest n ON n.build_id = need.needed_id
        JOIN builds_build nb ON nb.id = n.build_id
        WHERE need.request_id = r.build_id)) AS ready_at
FROM farm_buildrequest r JOIN builds_build d ON d.id = r.build_id
WHERE r.project_id = %(project)s AND r.requested_at <= %(at)s
    AND (r.requested_at > %(since)s
        OR coalesce(r.claimed_at, r.ended_at, 'infinity') > %(waiting_at)s)
    AND (%(services)s::bigint[] IS NULL OR d.service_id = ANY(%(services)s::bigint[]))
"""
"""Requests since a time, and older ones that waited at another: when a worker could have taken
them, and when one did, or they were canceled. A retry is for later, and needs are built first.
"""

WAITS = """
WITH asked AS ({asked})
SELECT a.builder_id, b.name, count(*),
    percentile_cont(%(share)s) WITHIN GROUP (ORDER BY
        extract(epoch FROM least(a.taken_at, %(at)s) - a.ready_at)),
    count(*) FILTER (WHERE a.taken_at > %(at)s)
FROM asked a JOIN farm_builder b ON b.id = a.builder_id
WHERE a.ready_at <= least(a.taken_at, %(at)s)
GROUP BY 1, 2 ORDER BY 1
"""
"""Of each builder: what a share of its requests waited at most, and how many still do."""

SPANS = """
WITH asked AS ({asked})
SELECT requested_at, ready_at, least(taken_at, %(at)s) FROM asked
WHERE ready_at <= least(taken_at, %(at)s)
ORDER BY requested_at DESC LIMIT %(most)s
"""


class QueueParameters(Parameters):
    """How long a share of the requests may wait for a worker: of those of the last hours, and of
    those that still do, however long.
    """

    limit_seconds: float = Field(
        gt=0, le=7 * 24 * 3600, title="Wait at most", description="10 min, 1 h.", examples=[600]
    )
    share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        title="Of this share of requests",
        description="50 % is the median, 100 % the one that waited longest.",
    )
    hours: int = Field(
        default=1,
        ge=1,
        le=168,
        title="Requests of the last hours",
        description="And all that wait still.",
    )


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield each builder with what its requests waited."""
    said: QueueParameters = wanted.parameters
    key = ("queue", said.share, said.hours, wanted.services)
    for builder, name, requests, waited, waiting in window.once(key, lambda: _read(wanted, window)):
        yield Observation(
            group=f"builder:{builder}",
            title=f"Builds wait longer than {duration(said.limit_seconds)} for "
            f"{name or 'the default builder'}",
            is_bad=waited > said.limit_seconds if requests >= wanted.least_samples else None,
            value=waited,
            threshold=said.limit_seconds,
            unit="s",
            samples=requests,
            summary=f"{ratio(said.share)} of {counted(requests, 'request')} waited up to "
            f"{duration(waited)}; {waiting} wait now.",
            path=reverse("farm:queue", args=[_slug(window)]),
            fingerprint="queue",
            evidence={"before": said.limit_seconds, "after": waited, "is_limit": True},
        )


def _read(wanted: Wanted, window: Window) -> list[Any]:
    said: QueueParameters = wanted.parameters
    since = window.at - timedelta(hours=said.hours)
    return _rows(WAITS, wanted, window, since=since, waiting_at=window.at, share=said.share)


def _rows(statement: str, wanted: Wanted, window: Window, **values: Any) -> list[Any]:
    values |= {
        "project": window.project_id,
        "at": window.at,
        "services": None if wanted.services is None else sorted(wanted.services),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{asked}", ASKED), values)
        return list(cursor.fetchall())


def _slug(window: Window) -> str:
    return window.once("slug", lambda: Project.objects.get(pk=window.project_id).slug)


MOST_REQUESTS = 20_000
"""Requests that are looked at, the newest."""


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when a request has waited too long, is taken then, and counts no more; and, while one
    counts, when others begin to count and cease to. Without one, no share of them is too slow.
    """
    said: QueueParameters = wanted.parameters
    limit, hours = timedelta(seconds=said.limit_seconds), timedelta(hours=said.hours)
    values = {"since": first - hours, "waiting_at": first, "most": MOST_REQUESTS}
    events: list[tuple[datetime, int]] = []
    for asked, ready, taken in _rows(SPANS, wanted, window, **values):
        gone, is_slow = max(asked + hours, taken), taken - ready > limit
        events += [(ready, 0), (gone, -is_slow)]
        if is_slow:
            events += [(ready + limit + JUST, 1), (taken - JUST, 0)]
    return between(_while_any(events), first, window.at)


def _while_any(events: list[tuple[datetime, int]]) -> Iterator[datetime]:
    """Yield when a count changes, and all between while it is not 0."""
    count = 0
    for at, change in sorted(events):
        count += change
        if count or change:
            yield at


CONDITION = Condition(
    QueueParameters,
    observe,
    moments,
    absent_is_good=True,
    about="Builds that the server was asked for wait too long for a worker.",
    narrowed_by=frozenset({"services", "labels"}),
)
