"""What builders' caches hold, how they grow, and what was removed and needed again."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Project
from analytics.growth import ENOUGH, Growth, growth
from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import duration, filesize
from buildkit.explaining import MEANINGS, Cause
from builds.aggregates import Median
from builds.weeks import day_axis
from cache.forms import PeriodForm
from cache.misses import invalidators
from cache.models import BuilderSnapshot, Eviction
from cache.tabs import cache_tabs
from farm.models import Builder

DAY_SECONDS = 86_400


def storage_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = PeriodForm(project, query.dict())
    return {
        "tabs": cache_tabs(project, "cache:storage"),
        "form": form,
        "period": form.period,
        "builders": builders(timezone.now() - timedelta(days=form.period.days)),
        "needed_again": invalidators(form.chosen_services, form.period.now, Cause.GONE),
        "meaning": MEANINGS[Cause.GONE],
    }


def builders(since: datetime) -> list[dict[str, Any]]:
    """Return each builder's last snapshot, its trend since then, and what was removed.

    Neither its rows nor its queries grow with the number of snapshots, but for one row a day.
    """
    snapshots = BuilderSnapshot.objects.filter(taken_at__gte=since)
    newest = snapshots.order_by("builder_id", "-taken_at").distinct("builder_id")
    last = {snapshot.builder_id: snapshot for snapshot in newest}
    days, removed = _daily(snapshots), _removed(since)
    return [
        _builder(builder, last.get(builder.pk), days[builder.pk], removed[builder.pk])
        for builder in Builder.objects.filter(is_enabled=True)
    ]


type Days = list[tuple[date, float]]
"""Days that have snapshots, and the median of the bytes in them."""


def _daily(snapshots: QuerySet[BuilderSnapshot]) -> defaultdict[int, Days]:
    rows = (
        snapshots.order_by()
        .values_list("builder_id", "taken_at__date")
        .annotate(used=Median("used_bytes"))
        .order_by("builder_id", "taken_at__date")
    )
    found: defaultdict[int, Days] = defaultdict(list)
    for builder_id, day, used in rows:
        found[builder_id].append((day, used))
    return found


def _removed(since: datetime) -> defaultdict[int, dict[str, Any]]:
    """Return count and bytes of what each builder has lost, by type."""
    rows = (
        Eviction.objects.filter(gone_at__gte=since)
        .order_by()
        .values("builder_id", "type")
        .annotate(count=Count("pk"), freed=Sum("freed_bytes"))
    )
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row["builder_id"]][row["type"]] = row
    return found


def _builder(
    builder: Builder, last: BuilderSnapshot | None, days: Days, removed: Mapping[str, Any]
) -> dict[str, Any]:
    used = [value for _, value in days]
    limit = last.limit_bytes if last else None
    grown = growth([day.toordinal() for day, _ in days], used, limit)
    drawn = shapes([(value,) * 3 for value in used], TREND)
    return {
        "builder": builder,
        "last": last,
        "points": drawn.points,
        "axis": day_axis(days[0][0], days[-1][0]) if days else [],
        "summary": f"Size by day, at most {filesize(drawn.top)}",
        "sentence": sentence(grown, last, len(days)),
        "types": _types(last.by_type if last else {}, removed),
    }


def _types(held: Mapping[str, int], removed: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "type": kind,
            "bytes": held.get(kind, 0),
            "removed": removed[kind]["count"] if kind in removed else 0,
            "removed_bytes": removed[kind]["freed"] if kind in removed else 0,
        }
        for kind in sorted({*held, *removed})
    ]


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
