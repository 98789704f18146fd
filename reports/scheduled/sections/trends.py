"""How builds were, against the period before: median wall time, success and cache hits."""

from collections.abc import Callable, Sequence
from typing import Any

from buildinsights.svg import MIN_POINTS
from buildinsights.templatetags.formats import counted, duration, number
from reports.comparison import MIN_BUILDS, QUANTITIES, Quantity, Rows, against, days_of, value_of
from reports.scheduled.optimisation import Cell, Chart, Column, Point, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import against_cell, written

MOST = 8
"""Services that have a row, those with most builds first."""

WEEKS = 12
WEEK_DAYS = 7

TOLD = tuple(q for q in QUANTITIES if q.name in {"wall_seconds", "success_ratio", "hit_ratio"})
WALL = TOLD[0]
COLUMNS = (
    Column("service", "Service"),
    Column("builds", "Builds", is_number=True),
    *(
        Column(
            quantity.name,
            quantity.label,
            is_number=True,
            more_is_better=not quantity.less_is_better,
        )
        for quantity in TOLD
    ),
)


def trends(scope: Scope) -> Section | None:
    """Return it; ``None`` without a build in the period."""
    days = max(2 * scope.days, WEEKS * WEEK_DAYS)
    by_service = narrowed_days(scope, days)
    own = {pk: [row for row in rows if row["age"] < scope.days] for pk, rows in by_service.items()}
    counts = {pk: sum(row["builds"] for row in rows) for pk, rows in own.items()}
    if not sum(counts.values()):
        return None
    everything = [row for rows in by_service.values() for row in rows]
    shown = sorted(scope.services, key=lambda service: (-counts.get(service.pk, 0), service.name))
    rows = [
        _row(service.name, service.get_absolute_url(), by_service[service.pk], scope.days)
        for service in shown[:MOST]
        if counts.get(service.pk)
    ]
    total = [_row("All of them", "", everything, scope.days)] if len(rows) > 1 else []
    return Section(
        lead=_lead(everything, scope.days),
        tables=(Table("", COLUMNS, tuple([*total, *rows])),),
        chart=_chart(everything),
        notes=_notes(len([pk for pk in counts if counts[pk]]) - len(rows)),
        path=scope.project.get_absolute_url(),
    )


def narrowed_days(scope: Scope, days: int) -> dict[int, list[Any]]:
    """Return the sums of days of the services that are meant, up to the last day, by service."""
    group = {"environment": scope.environment, "branch_class": scope.branch_class}
    said = {name: value for name, value in group.items() if value}
    return days_of(scope.service_ids, scope.last, days, **said)


def _row(name: str, path: str, rows: Rows, days: int) -> tuple[Cell, ...]:
    now, before = split(rows, days)
    builds, earlier = (sum(row["builds"] for row in part) for part in (now, before))
    return (
        Cell(name, name, path=path),
        Cell(str(number(builds)), builds, note=f"{earlier} before"),
        *(_cell(quantity, now, before) for quantity in TOLD),
    )


def split(rows: Rows, days: int) -> tuple[Rows, Rows]:
    """Return the rows of a period, and those of the one before."""
    return (
        [row for row in rows if row["age"] < days],
        [row for row in rows if days <= row["age"] < 2 * days],
    )


def _cell(quantity: Quantity, now: Rows, before: Rows) -> Cell:
    found = value_of(quantity, now)
    return against_cell(found, against(quantity, found, value_of(quantity, before)), quantity.noun)


def _lead(rows: Rows, days: int) -> str:
    now, before = split(rows, days)
    builds, failed = (sum(row[name] for row in now) for name in ("builds", "failed"))
    found = value_of(WALL, now)
    other = against(WALL, found, value_of(WALL, before))
    words = f"{counted(builds, 'build')}, {failed} failed."
    if found["value"] is None:
        return words
    words += f" Half of those that succeeded took less than {found['shown']}"
    if other["change"] is None:
        return f"{words}."
    judged = "" if other["verdict"] else f" (too few builds to judge: it takes {MIN_BUILDS} each)"
    return f"{words}: {other['change_shown']} against the period before{judged}."


def _chart(rows: Rows) -> Chart | None:
    """Return the weekly medians that led here, if there is more than one."""
    weeks: list[list[Any]] = [[] for _ in range(WEEKS)]
    for row in rows:
        if row["age"] < WEEKS * WEEK_DAYS:
            weeks[row["age"] // WEEK_DAYS].append(row)
    medians = [value_of(WALL, week)["value"] for week in reversed(weeks)]
    return weekly_chart("Median wall time by week", "s", medians, duration)


def weekly_chart(
    title: str, unit: str, weeks: Sequence[float | None], shown: Callable[[Any], Any]
) -> Chart | None:
    """Return a chart of values by week, the oldest first, from the first that is known."""
    first = next((at for at, value in enumerate(weeks) if value is not None), len(weeks))
    values = weeks[first:]
    known = [value for value in values if value is not None]
    if len(known) < MIN_POINTS:
        return None
    labels = [_ago(len(values) - 1 - at) for at in range(len(values))]
    words = (
        f"{title}, {counted(len(values), 'week')}: {written(shown, min(known))} to "
        f"{written(shown, max(known))}, last {written(shown, known[-1])}"
    )
    points = tuple(
        Point(label, value, written(shown, value))
        for label, value in zip(labels, values, strict=True)
    )
    return Chart(title, words, unit, points)


def _ago(weeks: int) -> str:
    return "last 7 days" if weeks == 0 else f"{weeks} wk ago"


def _notes(left_off: int) -> tuple[str, ...]:
    said = f"{counted(left_off, 'service')} with fewer builds left off." if left_off > 0 else ""
    return (said,) if said else ()
