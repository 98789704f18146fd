"""What the pages of scans and findings show."""

from typing import Any

from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.build_list import active_filters
from builds.crumbs import service_crumbs
from security.filters import FindingFilter, ordering_of
from security.history import timeline_of
from security.models import Finding, FindingDay, Kind, Scan
from security.severities import SHOWN, badge_of, word_of

NEWEST_SCANS = 5

STATES = {
    Finding.State.FIXED: "succeeded",
    Finding.State.BRANCH: "info",
    Finding.State.WAIVED: "info",
    Finding.State.NOT_AFFECTED: "succeeded",
}


def findings_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list; open ones are shown unless another state is asked for."""
    query = request.GET.copy()
    if not query.get("due"):
        query.setdefault("state", Finding.State.OPEN)
    own = Finding.objects.filter(project=project)
    filters = FindingFilter(query, queryset=own.told())
    rows = filters.qs if filters.is_valid() else own.none()
    page = page_of(request, rows, ordering_of(query))
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("security:findings", args=[project.slug]),
        "rows": [line_of(finding) for finding in page.rows],
        "page": page,
        "summary": _summary(len(page.rows), page.previous, query.get("due")),
        "counts": _counts(project),
        "scans": Scan.objects.filter(project=project).told()[:NEWEST_SCANS],
        "waiting": Scan.objects.filter(project=project, lineage__isnull=True).count(),
    }


def _summary(count: int, previous: str | None, due: str | None) -> str:
    shown = f"{count} finding{'' if count == 1 else 's'}"
    if due:
        return f"{shown}, due later" if previous else f"{shown}, due first"
    return f"{shown}, less severe ones" if previous else f"{shown}, the worst first"


def _counts(project: Project) -> list[dict[str, Any]]:
    """Return how many are open by severity: from the sums by day, however many there are."""
    days = FindingDay.objects.filter(project=project, environment="").order_by()
    found = dict(days.values_list("severity").annotate(Sum("opened")))
    return [
        {"label": word_of(level), "badge": badge_of(level), "count": found.get(level, 0)}
        for level in SHOWN
    ]


def line_of(finding: Finding) -> dict[str, Any]:
    """Return what a line about a finding shows."""
    return {
        "finding": finding,
        "badge": badge_of(finding.severity),
        "severity": word_of(finding.severity),
        "where": finding.package or finding.resource,
        "state": finding.told_state,
        "state_badge": STATES.get(finding.told_state, "failed"),
        "origin": origin_of(finding),
    }


def origin_of(finding: Finding) -> str:
    """Say where a finding came from, as far as it is known."""
    return {True: "Base image", False: "Ours", None: ""}[finding.is_from_base]


def finding_page(finding: Finding) -> dict[str, Any]:
    """Return the context of a finding's page."""
    crumbs = [
        {
            "label": "Findings",
            "href": reverse("security:findings", args=[finding.service.project.slug]),
        },
        *service_crumbs(finding.service)[1:],
    ]
    return line_of(finding) | {
        "crumbs": crumbs,
        "presences": list(finding.presences.in_order()),
        "timeline": timeline_of(finding),
        "waiver": finding.waiver if finding.told_state == Finding.State.WAIVED else None,
        "statement": finding.statement,
        "is_vulnerability": finding.kind == Kind.VULNERABILITY,
    }


def scan_page(scan: Scan) -> dict[str, Any]:
    """Return the context of a scan's page."""
    crumbs = [{"label": "Findings", "href": reverse("security:findings", args=[scan.project.slug])}]
    return {
        "scan": scan,
        "crumbs": crumbs,
        "counts": [
            {"what": what.capitalize(), "severity": severity, "count": count}
            for what, counts in scan.counts.items()
            for severity, count in counts.items()
        ],
        "looked_for": ", ".join(Kind(kind).label for kind in scan.kinds),
    }
