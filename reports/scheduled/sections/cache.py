"""What the cache was worth, and what began the most costly misses."""

from typing import Any

from django.urls import reverse

from buildinsights.templatetags.formats import counted, duration, number, points, ratio
from builds.usual import NOTABLE_RATIO
from cache.forms import Dimension
from cache.misses import invalidators
from cache.worth import Worth, difference
from reports.comparison import MIN_BUILDS
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.sections.trends import WEEKS, weekly_chart
from reports.scheduled.words import cell, written

MOST = 6
MOST_MISSES = 4
COLUMNS = (
    Column("service", "Service"),
    Column("hit_ratio_time", "Hits by time", is_number=True, more_is_better=True),
    Column("saved_seconds", "Saved", is_number=True),
    Column("executed_seconds", "Ran", is_number=True),
)
MISSES = (
    Column("step", "Misses began with"),
    Column("misses", "Times", is_number=True),
    Column("lost_seconds", "Lost", is_number=True),
)


def cache(scope: Scope) -> Section | None:
    """Return it; ``None`` if no step could have come from a cache."""
    worth = Worth(scope.services, scope.period, Dimension.SERVICE)
    now, before = worth.totals["now"], worth.totals["before"]
    if not now["cacheable_steps"]:
        return None
    lost = invalidators(scope.services, scope.period.now)[:MOST_MISSES]
    tables = [Table("", COLUMNS, tuple(_row(row) for row in worth.groups[:MOST]))]
    if lost:
        tables.append(Table("Most costly misses", MISSES, tuple(_miss(row) for row in lost)))
    weeks = [week["hit_ratio_time"] if week else None for week in worth.weeks[-WEEKS:]]
    return Section(
        lead=_lead(now, before),
        tables=tuple(tables),
        chart=weekly_chart("Cache hits by time, by week", "ratio", weeks, ratio),
        path=reverse("cache:overview", args=[scope.project.slug]),
    )


def _lead(now: dict[str, Any], before: dict[str, Any]) -> str:
    words = (
        f"The cache saved {written(duration, now['saved_seconds'])} of "
        f"{counted(now['builds'], 'build')}; {written(duration, now['executed_seconds'])} of "
        f"steps ran. Hits by time: {written(ratio, now['hit_ratio_time'])}"
    )
    change = difference(now, before, "hit_ratio_time")
    return f"{words}, {points(change)} against the period before." if change else f"{words}."


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    change = row["change"]
    steps = row["cacheable_steps"]
    note = f"of {number(steps)} step{'' if steps == 1 else 's'}"
    if change is not None:
        note += f"; {points(change)}"
    return (
        Cell(row["label"], row["label"], note=counted(row["builds"], "build")),
        cell(ratio, row["hit_ratio_time"], note, _verdict(row)),
        cell(duration, row["saved_seconds"]),
        cell(duration, row["executed_seconds"]),
    )


def _verdict(row: dict[str, Any]) -> str:
    """Judge a change between enough builds."""
    change, builds = row["change"], min(row["builds"], row["builds_before"])
    if change is None or builds < MIN_BUILDS or abs(change) <= NOTABLE_RATIO:
        return ""
    return "better" if change > 0 else "worse"


def _miss(row: dict[str, Any]) -> tuple[Cell, ...]:
    step = row["step"]
    name = step.step.name if step else "a step that is no longer known"
    return (
        Cell(name, name, note=row["meaning"].title, path=step.href if step else ""),
        cell(number, row["runs"]),
        cell(duration, row["lost_seconds"]),
    )
