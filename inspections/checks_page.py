"""The page of all services: what came of each check of their newest images."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.branches import BranchClass
from builds.build_list import active_filters
from inspections.filters import InspectionFilter
from inspections.models import CheckResult, Inspection
from inspections.rules import NOT_IN_USE
from security.models import Severity
from security.severities import SHOWN, badge_of, word_of

MOST_SERVICES = 8
"""Columns that a table can have and still be read."""

NEWEST = ("-received_at", "-id")

OUTCOMES = {
    CheckResult.Outcome.PASS: "succeeded",
    CheckResult.Outcome.FAIL: "failed",
    CheckResult.Outcome.UNKNOWN: "lost",
    CheckResult.Outcome.NOT_APPLICABLE: "canceled",
}
FAIL = CheckResult.Outcome.FAIL


def checks_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the page; filters narrow the services and the list below."""
    own = Inspection.objects.filter(project=project)
    filters = InspectionFilter(request.GET, queryset=own.told().defer("config"))
    listed = filters.qs if filters.is_valid() else own.none()
    newest = newest_of_services(listed.filter(pk__in=own.newest_of_each(project).values("pk")))
    results = _results(newest)
    columns = sorted(newest, key=lambda item: (-_weight(results[item.pk]), str(item.service)))
    shown = columns[:MOST_SERVICES]
    page = page_of(request, listed, NEWEST)
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("inspections:checks", args=[project.slug]),
        "columns": shown,
        "left_off": len(columns) - len(shown),
        "rows": _matrix(shown, results),
        "failures": _failures(shown, results),
        "counts": _counts(columns, results),
        "services": len(columns),
        "page": page,
        "summary": page.describe("look"),
        "waiting": own.filter(lineage__isnull=True).count(),
    }


def newest_of_services(newest: Iterable[Inspection]) -> list[Inspection]:
    """Return of each service its image in use: of production if it has one, then the newest."""
    best: dict[int, Inspection] = {}
    for item in newest:
        if item.lineage is None or item.lineage.branch_class in NOT_IN_USE:
            continue
        known = best.get(item.lineage.service_id)
        if known is None or _rank(item) > _rank(known):
            best[item.lineage.service_id] = item
    return list(best.values())


def _rank(item: Inspection) -> tuple[bool, bool, float, int]:
    is_default = item.lineage is not None and item.lineage.branch_class == BranchClass.DEFAULT
    at = item.image_at or item.inspected_at
    return item.is_production, is_default, at.timestamp(), item.pk


def _results(inspections: Sequence[Inspection]) -> dict[int, dict[str, CheckResult]]:
    found: dict[int, dict[str, CheckResult]] = {item.pk: {} for item in inspections}
    rows = CheckResult.objects.filter(inspection__in=list(found)).order_by("pk")
    for item in rows.select_related("since__build__project"):
        found[item.inspection_id][item.check_id] = item
    return found


def _weight(results: dict[str, CheckResult]) -> int:
    """How bad an image is: one worse failure outweighs all others."""
    return sum(100**item.severity for item in results.values() if item.outcome == FAIL)


def _matrix(
    columns: Sequence[Inspection], results: dict[int, dict[str, CheckResult]]
) -> list[dict[str, Any]]:
    """Return a row for each check, with a cell for each column; empty where it was not made."""
    titles = {name: one.title for item in columns for name, one in results[item.pk].items()}
    return [
        {
            "name": name,
            "title": title,
            "cells": [_cell(item, results[item.pk].get(name)) for item in columns],
        }
        for name, title in titles.items()
    ]


def _cell(inspection: Inspection, result: CheckResult | None) -> dict[str, Any]:
    if result is None:
        return {}
    outcome = CheckResult.Outcome(result.outcome)
    return {
        "badge": OUTCOMES[outcome],
        "label": result.get_outcome_display(),
        "href": f"{inspection.get_absolute_url()}#{result.check_id}",
        "message": result.message,
    }


def _failures(
    columns: Sequence[Inspection], results: dict[int, dict[str, CheckResult]]
) -> list[dict[str, Any]]:
    """Return what fails, the worst first."""
    failed = [
        failure_of(item, one)
        for item in columns
        for one in results[item.pk].values()
        if one.outcome == FAIL
    ]
    return sorted(failed, key=lambda item: (-item["result"].severity, item["result"].check_id))


def failure_of(inspection: Inspection, result: CheckResult) -> dict[str, Any]:
    """Return what a line about a failure shows."""
    return {
        "inspection": inspection,
        "result": result,
        "badge": badge_of(result.severity),
        "severity": word_of(result.severity),
        "first": next(iter(result.evidence), None),
        "others": max(result.count - 1, 0),
        "since": result.since,
        "href": f"{inspection.get_absolute_url()}#{result.check_id}",
    }


def _counts(
    columns: Sequence[Inspection], results: dict[int, dict[str, CheckResult]]
) -> list[dict[str, Any]]:
    """Return how many checks fail by severity, and for how many services."""
    counts = []
    for severity in SHOWN:
        by_service = [_failing(results[item.pk].values(), severity) for item in columns]
        if severity is not Severity.CRITICAL or any(by_service):
            counts.append(
                {
                    "label": word_of(severity),
                    "badge": badge_of(severity),
                    "count": sum(by_service),
                    "services": sum(count > 0 for count in by_service),
                }
            )
    return counts


def _failing(results: Iterable[CheckResult], severity: Severity) -> int:
    return sum(item.outcome == FAIL and item.severity == severity for item in results)
