"""What builders' caches hold, how they grow, and what was removed and needed again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any

from django.db.models import Count, Sum
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Project
from analytics.growth import ENOUGH, Growth, growth
from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import duration, filesize
from buildkit.explaining import MEANINGS, Cause
from cache.forms import Dimension, PeriodForm
from cache.models import BuilderSnapshot, Eviction
from cache.tabs import cache_tabs
from cache.worth import Period, Worth
from farm.models import Builder

DAY_SECONDS = 86_400


def storage_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = PeriodForm(project, query.dict())
    period = Period(timezone.now().date(), form.chosen_days)
    since = timezone.now() - timedelta(days=form.chosen_days)
    found = Worth(form.chosen_services, period, Dimension.SERVICE)
    return {
        "tabs": cache_tabs(project, "cache:storage"),
        "form": form,
        "period": period,
        "builders": builders(since),
        "needed_again": found.invalidators(Cause.GONE),
        "meaning": MEANINGS[Cause.GONE],
    }


def builders(since: datetime) -> list[dict[str, Any]]:
    """Return each builder's last snapshot, its trend since then, and what was removed."""
    snapshots = BuilderSnapshot.objects.filter(taken_at__gte=since).order_by("builder", "taken_at")
    by_builder = {
        builder: list(taken) for builder, taken in groupby(snapshots, lambda row: row.builder_id)
    }
    removed = (
        Eviction.objects.filter(gone_at__gte=since)
        .order_by()
        .values("builder_id", "type")
        .annotate(count=Count("pk"), freed=Sum("freed_bytes"))
    )
    evictions: dict[int, dict[str, dict[str, Any]]] = {}
    for row in removed:
        evictions.setdefault(row["builder_id"], {})[row["type"]] = dict(row)
    known = Builder.objects.filter(is_enabled=True)
    return [
        _builder(builder, by_builder.get(builder.pk, []), evictions.get(builder.pk, {}))
        for builder in known
    ]


def _builder(
    builder: Builder, taken: Sequence[BuilderSnapshot], removed: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    last = taken[-1] if taken else None
    days = daily(taken)
    grown = growth(
        [at for at, _ in days], [used for _, used in days], last.limit_bytes if last else None
    )
    drawn = shapes([(used,) * 3 for _, used in days], TREND)
    kinds = sorted({*(last.by_type if last else ()), *removed})
    return {
        "builder": builder,
        "last": last,
        "points": drawn.points,
        "top": drawn.top,
        "days": len(days),
        "axis": [{"x": 0, "at": taken[0].taken_at}, {"x": 100, "at": taken[-1].taken_at}]
        if len(days) > 1
        else [],
        "sentence": sentence(grown, last, len(days)),
        "types": [
            {
                "type": kind,
                "bytes": last.by_type.get(kind, 0) if last else None,
                "removed": removed.get(kind, {}).get("count", 0),
                "removed_bytes": removed.get(kind, {}).get("freed", 0),
            }
            for kind in kinds
        ],
    }


def daily(taken: Sequence[BuilderSnapshot]) -> list[tuple[int, float]]:
    """Return the median of the bytes of each day that has snapshots, by its number."""
    days = groupby(taken, lambda snapshot: snapshot.taken_at.date().toordinal())
    return [(day, median(snapshot.used_bytes for snapshot in of_day)) for day, of_day in days]


def sentence(grown: Growth | None, last: BuilderSnapshot | None, days: int) -> str:
    """Say how the cache grows and when its limit is reached, or what is missing to say so."""
    if grown is None:
        return f"A trend takes {ENOUGH} days with a snapshot; there are {days}."
    trend = (
        f"It grows by {filesize(grown.a_day)} a day"
        if grown.a_day > 0
        else f"It shrinks by {filesize(-grown.a_day)} a day"
        if grown.a_day < 0
        else "It keeps its size"
    )
    trend += f" (95 % interval {filesize(grown.low)} to {filesize(grown.high)})"
    if last is None or last.limit_bytes is None:
        return f"{trend}. The builder has no limit for all entries."
    return f"{trend}. {_limit(grown, last.limit_bytes)}"


def _limit(grown: Growth, limit: int) -> str:
    if grown.days_left == 0:
        return f"The limit of {filesize(limit)} is reached: garbage collection removes what is old."
    if grown.days_left is None:
        return f"At this rate the limit of {filesize(limit)} is not reached."
    latest = "later or never" if grown.latest is None else f"in {_days(grown.latest)}"
    earliest = _days(grown.earliest or 0.0)
    likely = _days(grown.days_left)
    return (
        f"The limit of {filesize(limit)} is reached in about {likely}: "
        f"at the earliest in {earliest}, at the latest {latest}."
    )


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else str(duration(round(days * DAY_SECONDS)))
