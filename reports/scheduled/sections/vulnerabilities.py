"""What came and went among findings in the period, and what is overdue now."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from buildinsights.templatetags.formats import counted, number
from reports.assessment import WORST, FindingLine, lines_of
from reports.finding_changes import Moved, changes_of
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import cell
from security.models import Finding
from security.severities import badge_of, word_of

MOST = 8
COLUMNS = (
    Column("severity", "Severity"),
    Column("open", "Open", is_number=True),
    Column("came", "New", is_number=True),
    Column("went", "Fixed", is_number=True),
    Column("overdue", "Overdue", is_number=True),
)
NEW = (
    Column("finding", "Finding"),
    Column("service", "Service"),
    Column("fixed_version", "Fixed in"),
)


def vulnerabilities(scope: Scope) -> Section | None:
    """Return it; ``None`` if nothing came or went, and nothing is overdue."""
    slugs = None if scope.is_of_all else [service.slug for service in scope.services]
    found = changes_of(scope.project, scope.first, slugs, scope.environment, scope.last)
    overdue = sum(row.overdue for row in found.moved)
    if found.is_quiet and not overdue:
        return None
    told = [row for row in found.moved if row.open or row.came or row.back or row.went]
    new = list(lines_of(_new(scope).order_by(*WORST)[:MOST]))
    tables = [Table("", COLUMNS, tuple(_row(scope, row) for row in told))]
    if new:
        title = "New, or back, and still open, the worst first"
        tables.append(Table(title, NEW, tuple(_new_row(scope, line) for line in new)))
    came, went = (sum(getattr(row, name) for row in told) for name in ("came", "went"))
    back = sum(row.back for row in told)
    return Section(
        lead=f"{counted(came, 'new finding')}, {back} came back, {went} fixed, {overdue} overdue;"
        f" {sum(row.open for row in told)} open now.",
        tables=tuple(tables),
        path=reverse("reports:security", args=[scope.project.slug]),
    )


def _new(scope: Scope) -> Any:
    rows: Any = Finding.objects.filter(project=scope.project, service__in=scope.service_ids)
    rows = rows.with_came_at().filter(came_at__gte=scope.since, came_at__lt=scope.until)
    if scope.environment:
        rows = rows.filter(environments__contains=[scope.environment])
    return rows.open().told()


def _row(scope: Scope, row: Moved) -> tuple[Cell, ...]:
    query = urlencode({"state": "open", "severity": row.severity.label})
    listed = reverse("security:findings", args=[scope.project.slug])
    return (
        Cell(
            word_of(row.severity),
            row.severity.label,
            path=f"{listed}?{query}",
            verdict=badge_of(row.severity),
        ),
        cell(number, row.open, note=f"{row.change:+d}" if row.change else ""),
        cell(number, row.came, note=f"{row.back} came back" if row.back else ""),
        cell(number, row.went),
        cell(number, row.overdue, verdict="worse" if row.overdue else ""),
    )


def _new_row(scope: Scope, line: FindingLine) -> tuple[Cell, ...]:
    listed = reverse("security:findings", args=[scope.project.slug])
    return (
        Cell(
            line.name or "no id",
            line.name,
            note=f"{line.severity.capitalize()}. {line.where}",
            path=f"{listed}?{urlencode({'name': line.name})}",
        ),
        Cell(line.service, line.service, note=line.origin),
        Cell(line.fixed_version or "–", line.fixed_version),
    )
