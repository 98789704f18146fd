"""What to do first, ranked by what it is worth a week."""

from django.urls import reverse
from django.utils import timezone

from buildinsights.templatetags.formats import counted
from recommendations.models import Recommendation, Unit
from recommendations.page import LEAST, line_of
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import short

MOST = 6
TITLES = {Unit.SECONDS: "Time", Unit.BYTES: "Size"}
COLUMNS = (
    Column("recommendation", "What to do"),
    Column("service", "Service"),
    Column("worth", "Worth a week", is_number=True),
)


def recommendations(scope: Scope) -> Section | None:
    """Return it; ``None`` if there is nothing to do that is worth a mention."""
    rows = Recommendation.objects.filter(project=scope.project).to_do(timezone.now().date())
    if not scope.is_of_all:
        rows = rows.filter(service__in=scope.service_ids)
    rows = rows.select_related("service", "project")
    by_unit = {unit: list(rows.filter(unit=unit, worth__gte=LEAST[unit])) for unit in Unit}
    count = sum(map(len, by_unit.values()))
    if not count:
        return None
    return Section(
        lead=_lead(by_unit, count),
        tables=tuple(
            Table(TITLES[unit], COLUMNS, tuple(_row(row) for row in found[:MOST]))
            for unit, found in by_unit.items()
            if found
        ),
        path=reverse("recommendations:list", args=[scope.project.slug]),
    )


def _lead(by_unit: dict[Unit, list[Recommendation]], count: int) -> str:
    best = next(found[0] for found in by_unit.values() if found)
    return (
        f"{counted(count, 'recommendation')}. First: {best.title}"
        f", worth {line_of(best)['worth']} a week."
    )


def _row(row: Recommendation) -> tuple[Cell, ...]:
    line = line_of(row)
    told = f"{line['interval']}, " if line["interval"] else ""
    return (
        Cell(
            row.title,
            row.digest,
            note=short(row.how[0]) if row.how else "",
            path=row.get_absolute_url(),
        ),
        Cell(row.service.name if row.service else "all", row.service.slug if row.service else ""),
        Cell(line["worth"], row.worth, note=f"{told}{counted(row.builds, 'build')}"),
    )
