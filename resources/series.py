"""A builder over time, from its hours."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Project
from analytics.sketch import merged, quantiles
from resources.forms import DaysForm
from resources.models import BuilderHour
from resources.querysets import SUMS

KNOWN_BY_SAMPLES = ("disk_bytes", "network_bytes")
CPU_SHARES = (0.25, 0.5, 0.75, 0.95)
CPU_NAMES = ("cpu_p25", "cpu_median", "cpu_p75", "cpu_p95")
MEMORY_SHARE = 0.99

type Point = dict[str, Any]
"""``builds, sampled_builds, busy_seconds, occupied_seconds, at_once`` (mean while at least one
build was there), ``most_at_once, sampled_seconds, cpu_mean, cpu_p25, cpu_median, cpu_p75, cpu_p95,
saturated_ratio, memory_p99_bytes, memory_peak_bytes, memory_total_bytes, memory_total_low_bytes,
disk_bytes, network_bytes``; what was not measured is ``None``.
"""


def hours_of(project: Project, builder: str, form: DaysForm) -> list[Mapping[str, Any]]:
    """Return the hours of the period that had builds, the oldest first."""
    hours = BuilderHour.objects.filter(project=project, builder=builder).since(form.since)
    return list(hours.order_by("hour").values())


def points_of(hours: Sequence[Mapping[str, Any]], form: DaysForm) -> list[Point]:
    """Return a point with its ``start`` for each hour, or each day, that had builds."""
    groups: defaultdict[datetime, list[Mapping[str, Any]]] = defaultdict(list)
    for row in hours:
        start = row["hour"] if form.is_hourly else row["hour"].replace(hour=0)
        groups[start].append(row)
    return [{"start": start} | point(groups[start]) for start in sorted(groups)]


def point(hours: Sequence[Mapping[str, Any]]) -> Point:
    """Return what some hours come to; quantiles are by time."""
    cpu: Any = quantiles(merged(row["cpu"] for row in hours), CPU_SHARES, "ratio")
    memory = quantiles(merged(row["memory"] for row in hours), [MEMORY_SHARE], "bytes")
    return {
        **told_sums({name: _sum(hours, name) for name in SUMS}),
        "most_at_once": max((row["most_at_once"] for row in hours), default=0),
        **dict(zip(CPU_NAMES, cpu or [None] * len(CPU_NAMES), strict=True)),
        "memory_p99_bytes": memory[0] if memory else None,
        **{name: _most(hours, name) for name in ("memory_peak_bytes", "memory_total_bytes")},
        "memory_total_low_bytes": min(_known(hours, "memory_total_low_bytes"), default=None),
    }


def told_sums(sums: Mapping[str, Any]) -> Point:
    """Return sums of hours with what is read from them."""
    sampled, occupied = sums["sampled_seconds"], sums["occupied_seconds"]
    return {
        **{name: sums[name] for name in ("builds", "sampled_builds", "busy_seconds")},
        "occupied_seconds": occupied,
        "at_once": sums["busy_seconds"] / occupied if occupied else None,
        "sampled_seconds": sampled,
        "cpu_mean": sums["cpu_seconds"] / sampled if sampled else None,
        "saturated_ratio": sums["saturated_seconds"] / sampled if sampled else None,
        **{name: sums[name] for name in KNOWN_BY_SAMPLES},
    }


def _sum(hours: Sequence[Mapping[str, Any]], name: str) -> Any:
    known = _known(hours, name)
    return sum(known) if known or name not in KNOWN_BY_SAMPLES else None


def _most(hours: Sequence[Mapping[str, Any]], name: str) -> Any:
    return max(_known(hours, name), default=None)


def _known(hours: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in hours if row[name] is not None]


def filled(points: Sequence[Point], form: DaysForm) -> list[tuple[datetime, Point | None]]:
    """Return the points from first to last by their start, with ``None`` where none was."""
    if not points:
        return []
    step = timedelta(hours=1) if form.is_hourly else timedelta(days=1)
    by_start = {point["start"]: point for point in points}
    first, last = points[0]["start"], points[-1]["start"]
    starts = (first + n * step for n in range(round((last - first) / step) + 1))
    return [(start, by_start.get(start)) for start in starts]
