"""Distributions by day, made again whenever a build of the day came, changed or went."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import F, Sum, Value

from analytics.sketch import sketch
from builds.aggregates import Joined
from builds.branches import branch_class
from builds.models import Build, Step
from cache.rollups import builds_of
from trends.metrics import TRENDS, USE, WORK
from trends.models import BuildDay
from trends.parts import add_parts
from trends.use import use_of

GROUP = ("target", "variant", "environment", "joined_platforms", "branch_class", "cache_state")
COLUMNS = (
    *(name for name in TRENDS if name not in {*WORK, *USE}),
    *("time_saved_seconds", "cacheable_steps", "cacheable_cached"),
)

type Row = Mapping[str, Any]


def roll_up(*, service_id: int, day: date, **_: Any) -> None:
    """Make the distributions of a service's day again, and those of its stages and steps."""
    builds = builds_of(day).filter(service=service_id).order_by()
    rows = builds.annotate(
        joined_platforms=Joined(F("platforms"), Value(",")), branch_class=branch_class()
    ).values("pk", "status", *GROUP, *COLUMNS)
    work, use = _work(builds, day), use_of(builds, day)
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found = {**row, **work.get(row["pk"], {}), **use.get(row["pk"], {})}
        groups[tuple(row[name] for name in GROUP)].append(found)
    BuildDay.objects.filter(service=service_id, day=day).delete()
    made = BuildDay.objects.bulk_create(
        _group(service_id, day, key, group) for key, group in groups.items()
    )
    pairs = zip(made, groups.values(), strict=True)
    add_parts(
        builds, day, {row["pk"]: (own, row["status"]) for own, group in pairs for row in group}
    )


def _work(builds: Any, day: date) -> dict[int, dict[str, float]]:
    """Return the seconds of each kind of work by build; what did not happen takes none."""
    kinds = {kind: name for name, own in WORK.items() for kind in own}
    steps = Step.objects.filter(
        month=day.replace(day=1), build__in=builds, kind__in=kinds, state="executed"
    )
    found: defaultdict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(WORK, 0.0))
    sums = steps.order_by().values_list("build_id", "kind").annotate(Sum("busy_seconds"))
    for build, kind, seconds in sums:
        found[build][kinds[kind]] += seconds
    return dict(found)


def _group(service_id: int, day: date, key: tuple[Any, ...], group: list[Row]) -> BuildDay:
    target, variant, environment, platforms, branch, state = key
    good = [row for row in group if row["status"] == Build.Status.SUCCEEDED]
    return BuildDay(
        service_id=service_id,
        day=day,
        target=target,
        variant=variant,
        environment=environment,
        platforms=platforms,
        branch_class=branch,
        cache_state=state,
        builds=len(group),
        succeeded=len(good),
        failed=sum(row["status"] == Build.Status.FAILED for row in group),
        spent_seconds=sum(row["wall_seconds"] or 0.0 for row in group),
        saved_seconds=_sum(row["time_saved_seconds"] for row in group),
        cacheable_steps=sum(row["cacheable_steps"] for row in group),
        cached_steps=sum(row["cacheable_cached"] for row in group),
        sketches={name: found for name in TRENDS if (found := _sketch(good, name))},
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sketch(rows: Iterable[Row], name: str) -> dict[str, int]:
    known = (row[name] for row in rows if row.get(name) is not None)
    return sketch(known, TRENDS[name].unit)
