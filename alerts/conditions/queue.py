"""How long builds that the server was asked for wait for a worker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from pydantic import Field

from accounts.models import Project
from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Wanted,
    Window,
    between,
)
from buildinsights.templatetags.formats import counted, duration, ratio
from farm.models import BuildRequest

WAITS = """
SELECT r.builder_id, b.name, count(*),
    percentile_cont(%(share)s) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM
        least(r.claimed_at, coalesce(r.ended_at, %(at)s), %(at)s)
        - greatest(r.requested_at, r.not_before)))),
    count(*) FILTER (WHERE coalesce(r.claimed_at, r.ended_at, 'infinity') > %(at)s)
FROM farm_buildrequest r JOIN farm_builder b ON b.id = r.builder_id
JOIN builds_build d ON d.id = r.build_id
WHERE r.project_id = %(project)s AND r.requested_at <= %(at)s AND r.requested_at > %(since)s
    AND (%(services)s::bigint[] IS NULL OR d.service_id = ANY(%(services)s::bigint[]))
GROUP BY 1, 2 ORDER BY 1
"""
"""Of each builder: what a share of its requests waited at most, and how many still do."""


class QueueParameters(Parameters):
    """How long a share of the requests of the last hours may wait, those that still do with it."""

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
    hours: int = Field(default=1, ge=1, le=168, title="Requests of the last hours")


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
            summary=f"{ratio(said.share)} of {counted(requests, 'request')} of {said.hours} h "
            f"waited up to {duration(waited)}; {waiting} wait now.",
            path=reverse("farm:queue", args=[_slug(window)]),
            fingerprint="queue",
            evidence={"before": said.limit_seconds, "after": waited, "is_limit": True},
        )


def _read(wanted: Wanted, window: Window) -> list[Any]:
    said: QueueParameters = wanted.parameters
    values: dict[str, Any] = {
        "project": window.project_id,
        "at": window.at,
        "since": window.at - timedelta(hours=said.hours),
        "share": said.share,
        "services": None if wanted.services is None else sorted(wanted.services),
    }
    with connection.cursor() as cursor:
        cursor.execute(WAITS, values)
        return list(cursor.fetchall())


def _slug(window: Window) -> str:
    return window.once("slug", lambda: Project.objects.get(pk=window.project_id).slug)


MOST_REQUESTS = 300
"""Requests that are looked at one by one, the newest."""


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return when builds were asked for, and when one would have waited too long."""
    limit = timedelta(seconds=wanted.parameters.limit_seconds)
    rows = BuildRequest.objects.filter(
        project=window.project_id, requested_at__gt=first, requested_at__lte=window.at
    )
    asked = list(
        rows.order_by("-requested_at").values_list("requested_at", flat=True)[:MOST_REQUESTS]
    )
    over = [at + limit + timedelta(seconds=1) for at in asked]
    gone = [at + timedelta(hours=wanted.parameters.hours) for at in asked]
    return between([*asked, *over, *gone], first, window.at)


CONDITION = Condition(
    QueueParameters,
    observe,
    moments,
    absent_is_good=True,
    about="Builds that the server was asked for wait too long for a worker.",
    narrowed_by=frozenset({"services", "labels"}),
)
