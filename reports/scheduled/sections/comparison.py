"""Services against their own past, their sisters, and only then figures that others published."""

from typing import Any

from django.urls import reverse

from buildinsights.templatetags.formats import counted
from builds.models import Service
from reports.comparison import NOW_DAYS, Rows, compare
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.sections.trends import narrowed_days
from reports.scheduled.words import UNKNOWN
from reports.sisters import sisters_of

MOST = 2
"""Services that are compared, those with most builds in the period."""

COLUMNS = (
    Column("quantity", "Quantity"),
    Column("now", f"Last {NOW_DAYS} days", is_number=True),
    Column("month", f"{NOW_DAYS} days before", is_number=True),
    Column("half_year", "Half a year before", is_number=True),
    Column("sisters", "Sisters", is_number=True),
    Column("published", "Published"),
)


def comparison(scope: Scope) -> Section | None:
    """Return it; ``None`` without a service of which a build ended in the last four weeks."""
    by_service = narrowed_days(scope, scope.days)
    builds = {pk: sum(row["builds"] for row in rows) for pk, rows in by_service.items()}
    built = [service for service in scope.services if _is_late(by_service.get(service.pk, ()))]
    built.sort(key=lambda service: (-builds[service.pk], service.name))
    if not built:
        return None
    tables, sources = [], set()
    for service in built[:MOST]:
        rows, sisters = compare(service, sisters_of(service), scope.last)
        tables.append(_table(service, rows, len(sisters)))
        sources |= {row["published"]["source"] for row in rows if row["published"]}
    left = len(built) - len(tables)
    rest = counted(left, "more has a page of its own", "more have pages of their own")
    these = "service" if len(tables) == 1 else f"{len(tables)} services"
    return Section(
        lead=f"The {these} with most builds{f'; {rest}' if left else ''}.",
        tables=tuple(tables),
        notes=tuple(f"Published figures: {source}." for source in sorted(sources)),
        path=reverse("services:comparison", args=[scope.project.slug, built[0].slug]),
    )


def _is_late(rows: Rows) -> bool:
    """Tell whether anything is known of the days that are held against others."""
    return any(row["succeeded"] or row["failed"] for row in rows if row["age"] < NOW_DAYS)


def _table(service: Service, rows: list[dict[str, Any]], sisters: int) -> Table:
    """Return the quantities that are known, beside what there is to hold them against."""
    title = f"{service.name}, {counted(sisters, 'sister')}" if sisters else service.name
    lines = [_row(row) for row in rows if row["now"]["value"] is not None]
    told = [at for at in range(len(COLUMNS)) if any(line[at].text != UNKNOWN for line in lines)]
    return Table(
        title,
        tuple(COLUMNS[at] for at in told),
        tuple(tuple(line[at] for at in told) for line in lines),
    )


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    now, published = row["now"], row["published"]
    return (
        Cell(row["label"], row["name"]),
        Cell(
            str(now["shown"]), now["value"], note=f"of {counted(now['sample'], row['noun'][:-1])}"
        ),
        *(_other(row[name]) for name in ("month", "half_year", "sisters")),
        Cell(published["words"], None, verdict=published["verdict"])
        if published
        else Cell(UNKNOWN),
    )


def _other(found: dict[str, Any]) -> Cell:
    if found["value"] is None:
        return Cell(UNKNOWN)
    note = (
        f"{found['change_shown']} now; of {found['sample']}" if found["change"] is not None else ""
    )
    return Cell(str(found["shown"]), found["value"], note=note, verdict=found["verdict"])
