"""Levels that changed in the period, as the detector found them."""

from typing import Any

from django.urls import reverse

from buildinsights.templatetags.formats import counted, ratio
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import short
from trends.changes_page import line_of
from trends.models import Change

MOST = 8
COLUMNS = (
    Column("change", "Change"),
    Column("before", "Before", is_number=True),
    Column("after", "Since", is_number=True),
    Column("at", "From"),
)


def changes(scope: Scope) -> Section | None:
    """Return those worth a look, the largest first."""
    found: Any = Change.objects.filter(series__service__in=scope.service_ids, is_slight=False)
    found = found.filter(found_at__gte=scope.since, found_at__lt=scope.until)
    if scope.environment:
        found = found.filter(series__environment=scope.environment)
    rows = sorted(found.of_level().told(), key=lambda change: (-abs(change.ratio), change.pk))
    if not rows:
        return None
    worse = sum(change.is_worse for change in rows)
    more = f"; the largest {MOST} are listed" if len(rows) > MOST else ""
    return Section(
        lead=f"{counted(len(rows), 'change')}, {worse} for the worse{more}.",
        tables=(Table("", COLUMNS, tuple(_row(change) for change in rows[:MOST])),),
        path=reverse("trends:changes", args=[scope.project.slug]),
    )


def _row(change: Change) -> tuple[Cell, ...]:
    line = line_of(change)
    why = [line["group"]]
    if line["step"]:
        why.append(f"{ratio(line['share'])} of it by {line['step']}")
    why += [line["cause"], "" if change.state == "new" else change.get_state_display()]
    return (
        Cell(
            line["title"],
            change.series.metric,
            note=short(". ".join(part for part in why if part)),
            path=change.get_absolute_url(),
            verdict="worse" if change.is_worse else "better",
        ),
        Cell(str(line["before"]), change.before, note=counted(change.builds_before, "build")),
        Cell(str(line["after"]), change.after, note=counted(change.builds_after, "build")),
        Cell(f"{change.build.listed_at:%-d %b %H:%M}", change.build.listed_at.isoformat()),
    )
