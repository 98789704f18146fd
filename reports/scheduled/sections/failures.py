"""Builds that failed or were lost in the period: by class, and by what they have in common."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse

from buildinsights.templatetags.formats import counted, number
from buildkit.failure_classes import MEANINGS, TRANSIENT
from builds.models import Build
from farm.failures_page import class_of, grouped
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import cell, short

MOST = 8
CLASSES = (
    Column("class", "Class"),
    Column("builds", "Builds", is_number=True),
    Column("before", "Before", is_number=True),
)
FINGERPRINTS = (
    Column("fingerprint", "Same failure"),
    Column("builds", "Builds", is_number=True),
    Column("first", "First seen"),
)


def failures(scope: Scope) -> Section | None:
    """Return it; ``None`` if no build failed."""
    length = scope.until - scope.since
    failed = scope.builds.for_period(scope.since, scope.until).failed()
    earlier = scope.builds.for_period(scope.since - length, scope.since).failed()
    now, before = _by_class(failed), _by_class(earlier)
    total, total_before = sum(now.values()), sum(before.values())
    if not total:
        return None
    groups = list(grouped(failed)[:MOST])
    classes = sorted({*now, *before}, key=lambda name: (-now.get(name, 0), name))
    tables = [Table("", CLASSES, tuple(_class(name, now, before) for name in classes))]
    if groups:
        known = _known_before(scope, groups)
        last = Build.objects.select_related("project", "service").in_bulk(
            [row["last_build"] for row in groups]
        )
        rows = tuple(_group(scope, row, last[row["last_build"]], known) for row in groups)
        tables.append(Table("By what they have in common", FINGERPRINTS, rows))
    return Section(
        lead=f"{counted(total, 'build')} failed, lost ones included; {total_before} in the period"
        " before.",
        tables=tuple(tables),
        path=reverse("farm:failures", args=[scope.project.slug]),
    )


def _by_class(failed: Any) -> dict[str, int]:
    rows = failed.order_by().values_list("failure_class").annotate(builds=Count("pk"))
    found: dict[str, int] = {}
    for name, builds in rows:
        kind = class_of(name).value
        found[kind] = found.get(kind, 0) + builds
    return found


def _class(name: str, now: dict[str, int], before: dict[str, int]) -> tuple[Cell, ...]:
    kind = class_of(name)
    note = "another attempt may go well" if kind in TRANSIENT else ""
    return (
        Cell(MEANINGS[kind].title, name, note=note),
        cell(number, now.get(name, 0)),
        cell(number, before.get(name, 0)),
    )


def _known_before(scope: Scope, groups: list[dict[str, Any]]) -> set[str]:
    named = [row["failure_fingerprint"] for row in groups]
    earlier = scope.builds.filter(failure_fingerprint__in=named, listed_at__lt=scope.since)
    return set(earlier.order_by().values_list("failure_fingerprint", flat=True).distinct())


def _group(scope: Scope, row: Any, build: Build, known: set[str]) -> tuple[Cell, ...]:
    said = build.failure_message.strip().splitlines()
    fingerprint = row["failure_fingerprint"]
    query = urlencode({"failure_fingerprint": fingerprint, "after": scope.first})
    return (
        Cell(
            MEANINGS[class_of(row["failure_class"])].title,
            fingerprint,
            note=short(f"{', '.join(row['services'])}. {said[0] if said else ''}"),
            path=f"{reverse('builds:list', args=[scope.project.slug])}?{query}",
        ),
        cell(number, row["builds"]),
        Cell(
            f"{row['first_seen']:%-d %b %H:%M}" if fingerprint not in known else "before",
            row["first_seen"].isoformat(),
            note="" if fingerprint in known else "new",
        ),
    )
