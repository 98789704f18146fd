"""Builds that fail: too many of some days, or the last ones in a row."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.db import connection
from django.db.models import OuterRef, Subquery
from pydantic import Field

from alerts.conditions.contract import (
    Condition,
    Observation,
    Parameters,
    Quiet,
    Wanted,
    Window,
    between,
    ends_of_days,
    named,
)
from alerts.conditions.groups import Group, meant, name_of, recent, rows_of, since
from alerts.conditions.last_days import last_builds, last_days
from buildinsights.templatetags.formats import counted, ratio
from builds.models import Build
from builds.querysets import BuildQuerySet
from trends.models import BuildDay

LOOK_BACK = timedelta(days=90)
"""How old failures in a row may be, however long ago a rule wants the last one."""

WAYS = {"ratio": "Share of builds that succeed", "streak": "Failures in a row"}


class SuccessParameters(Parameters):
    """``ratio``: succeeded of ended builds of ``days`` are below ``least_ratio``; ``streak``: the
    last ``failures`` ended builds of a target failed, the last of them within ``days``, and the
    others up to 90 days ago.
    """

    by: Annotated[Literal["ratio", "streak"], named(WAYS)] = Field(
        default="ratio", title="Judged by"
    )
    least_ratio: float = Field(
        default=0.8,
        gt=0,
        le=1,
        title="Share that succeeds, at least",
        description="Succeeded ÷ (succeeded + failed). Not used for failures in a row.",
    )
    failures: int = Field(
        default=3,
        ge=1,
        le=100,
        title="Failures in a row",
        description="Builds of one target, up to its last one. Not used for a share.",
    )
    days: int = Field(
        default=7,
        ge=1,
        le=90,
        title="Builds of the last days",
        description="Of failures in a row, the last one is of these days.",
    )


def observe(wanted: Wanted, window: Window) -> Iterator[Observation]:
    """Yield what a rule asks about, by target."""
    if wanted.parameters.by == "ratio":
        yield from _ratios(wanted, window)
    else:
        yield from _streaks(wanted, window)


def _ratios(wanted: Wanted, window: Window) -> Iterator[Observation]:
    said: SuccessParameters = wanted.parameters
    for group, rows in meant(wanted, rows_of(window, "wall_seconds", said.days)):
        succeeded, failed = sum(row[1] for row in rows), sum(row[2] for row in rows)
        ended = succeeded + failed
        if not ended:
            continue
        value = succeeded / ended
        yield Observation(
            group=group.key,
            title=f"Builds of {name_of(window, group.service_id)} fail",
            is_bad=value < said.least_ratio if ended >= wanted.least_samples else None,
            value=value,
            threshold=said.least_ratio,
            unit="ratio",
            samples=ended,
            summary=f"{succeeded} of {counted(ended, 'build')} of "
            f"{counted(said.days, 'day')} succeeded, {ratio(value)}.",
            service_id=group.service_id,
            fingerprint="success",
            evidence={"group": group.words},
        )


STREAKS = """
WITH ended AS ({builds}),
good AS (
    SELECT *, max(listed_at) FILTER (WHERE status = 'succeeded') OVER (
        PARTITION BY service_id, target, variant, environment) AS good_at
    FROM ended
)
SELECT service_id, target, variant, environment,
    count(*) FILTER (WHERE is_since) AS failures,
    min(listed_at) FILTER (WHERE is_since) AS since,
    (array_agg(id ORDER BY listed_at, id) FILTER (WHERE is_since))[1] AS first,
    (array_agg(id ORDER BY listed_at DESC, id DESC) FILTER (WHERE is_since))[1] AS last,
    (array_agg(id ORDER BY listed_at DESC) FILTER (WHERE status = 'succeeded'))[1] AS good,
    (array_agg(failure_fingerprint ORDER BY listed_at DESC) FILTER (WHERE is_since))[1] AS print,
    (array_agg(failure_message ORDER BY listed_at DESC) FILTER (WHERE is_since))[1] AS message
FROM (SELECT *, status = 'failed' AND listed_at > coalesce(good_at, '-infinity') AS is_since
    FROM good) AS told
GROUP BY service_id, target, variant, environment
ORDER BY service_id, target, variant, environment
"""

COLUMNS = (
    "id",
    "service_id",
    "target",
    "variant",
    "environment",
    "status",
    "listed_at",
    "failure_fingerprint",
    "failure_message",
)


def _streaks(wanted: Wanted, window: Window) -> Iterator[Observation]:
    said: SuccessParameters = wanted.parameters
    key = ("streaks", said.days, wanted.branch_classes)
    for row in window.once(key, lambda: _read(wanted, window)):
        service, target, variant, environment, failures, begun, first, last, good, mark, text = row
        if not wanted.covers(service=service, target=target, environment=environment):
            continue
        is_bad = failures >= said.failures
        group = Group(service, target, variant, environment, "")
        yield Observation(
            group=group.key,
            title=f"The last {'build' if failures == 1 else f'{failures} builds'} of "
            f"{name_of(window, service)} failed",
            is_bad=is_bad,
            value=float(failures),
            threshold=float(said.failures),
            unit="builds",
            samples=failures,
            since=begun if is_bad else None,
            summary=(text or "").strip().partition("\n")[0][:300],
            service_id=service,
            fingerprint=mark or "",
            evidence={
                "group": group.words,
                "build": first,
                "newest": last,
                "last_before": good,
                "step": (text or "").strip().partition("\n")[0][:200],
            },
        )


def _read(wanted: Wanted, window: Window) -> list[Any]:
    """Return the streaks of the groups of a rule's days; where one is older, all of it.

    Most groups have a success within the days: builds before them are read of the others alone.
    """
    ended = Build.objects.filter(status__in=["succeeded", "failed"])
    found = {row[:GROUPED]: row for row in _rows(recent(wanted, window, ended))}
    services = {row[0] for row in found.values() if row[GOOD] is None}
    if services:
        of_them = ended.filter(service__in=services)
        older = _rows(since(wanted, window, of_them, window.at - LOOK_BACK))
        found |= {row[:GROUPED]: row for row in older if row[:GROUPED] in found}
    return list(found.values())


GROUPED, GOOD = 4, 8
"""In a row of streaks, how many columns the group has, and where the last success is."""


def _rows(ended: BuildQuerySet) -> list[Any]:
    inner, values = ended.order_by().values(*COLUMNS).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(STREAKS.replace("{builds}", inner), values)
        return list(cursor.fetchall())


def moments(wanted: Wanted, window: Window, first: datetime) -> list[datetime]:
    """Return the ends of days; of streaks, when builds failed or were the first to succeed."""
    if wanted.parameters.by == "ratio":
        return ends_of_days(wanted, window, first)
    failed = since(wanted, window, Build.objects.filter(status="failed"), first)
    same = {name: OuterRef(name) for name in ("service", "target", "variant", "environment")}
    later = Build.objects.filter(**same, status="succeeded", listed_at__gt=OuterRef("listed_at"))
    ends = since(wanted, window, later, first).order_by("listed_at").values("listed_at")[:1]
    rows = failed.annotate(ends_at=Subquery(ends)).order_by("-listed_at")
    times = [at for row in rows.values_list("listed_at", "ends_at")[:MOST_FAILURES] for at in row]
    return between([*times, *ends_of_days(wanted, window, first)], first, window.at)


MOST_FAILURES = 150
"""Failed builds that are looked at one by one, the newest, each with the success that ends its
streak; besides, the ends of days are.
"""


def _last(wanted: Wanted, window: Window, groups: Collection[str]) -> Mapping[str, datetime]:
    is_streak = wanted.parameters.by == "streak"
    return (_last_of_streaks if is_streak else last_builds)(wanted, window, groups)


_last_of_streaks = last_days(BuildDay, ("target", "variant", "environment"))

CONDITION = Condition(
    SuccessParameters,
    observe,
    moments,
    absent_is_good=False,
    quiet=Quiet(_last),
    about="Too many builds fail, or the last ones in a row did.",
)
