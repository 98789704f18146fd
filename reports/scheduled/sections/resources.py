"""Builders of the period, and how many builds at once are advised for them."""

from typing import Any

from django.urls import reverse

from buildinsights.templatetags.formats import counted, duration, filesize, number, ratio
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import cell, written
from resources.builders_page import builders_of
from resources.models import Finding
from resources.verdicts import long_verdict, short_verdict

MOST = 6
COLUMNS = (
    Column("builder", "Builder"),
    Column("builds", "Builds", is_number=True),
    Column("cpu_mean", "Processors busy", is_number=True),
    Column("slots", "Builds at once advised"),
)


def resources(scope: Scope) -> Section | None:
    """Return it; ``None`` if no builder is named by a build."""
    rows = builders_of(scope.project, scope.since, scope.until)
    if not rows:
        return None
    named = [row["name"] for row in rows[:MOST]]
    findings = Finding.objects.filter(project=scope.project, builder__in=named)
    found = {finding.builder: finding.found for finding in findings}
    more = f"; the busiest {MOST} are listed" if len(rows) > MOST else ""
    return Section(
        lead=f"{counted(len(rows), 'builder')} had builds{more}.",
        tables=(Table("", COLUMNS, tuple(_row(scope, row, found) for row in rows[:MOST])),),
        path=reverse("resources:builders", args=[scope.project.slug]),
    )


def _row(scope: Scope, row: dict[str, Any], found: dict[str, Any]) -> tuple[Cell, ...]:
    known = found.get(row["name"]) or {}
    peak, total = row["memory_peak_bytes"], row["memory_total_bytes"]
    memory = f"memory {filesize(peak)} of {filesize(total)} at most" if peak and total else ""
    now = f"{row['slots_now']} now. " if row["slots_now"] else ""
    return (
        Cell(
            row["name"],
            row["name"],
            note=f"busy {written(duration, row['occupied_seconds'])}",
            path=reverse("resources:builder", args=[scope.project.slug, row["name"]]),
        ),
        cell(number, row["builds"], note=f"{row['most_at_once']} at once at most"),
        cell(ratio, row["cpu_mean"], note=memory),
        Cell(
            short_verdict(row["slots"]).capitalize(),
            row["slots"]["slots"] if row["slots"] else None,
            note=now + long_verdict(known) if known.get("slots") else now,
        ),
    )
