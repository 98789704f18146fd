"""What the page of deployments shows, and lines about them elsewhere."""

from collections.abc import Collection, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.build_list import active_filters
from deployments.filters import DeploymentFilter
from deployments.models import Deployment
from policies.pages import BADGES
from policies.serializers import label_of
from security.models import Kind, Scan, Severity
from security.severities import badge_of, word_of

NEWEST = ("-deployed_at", "-id")
MOST_RUNNING = 100
WORST = (Severity.CRITICAL, Severity.HIGH)


def deployments_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the page."""
    rows = Deployment.objects.filter(project=project)
    filters = DeploymentFilter(request.GET, queryset=rows)
    found: Any = filters.qs if filters.is_valid() else rows.none()
    page = page_of(request, found.told(), NEWEST)
    active = active_filters(filters, request.GET)
    return {
        "filter_form": filters.form,
        "active_filters": active,
        "reset": reverse("deployments:list", args=[project.slug]),
        **({} if active or page.previous else running_now(rows)),
        "rows": [line_of(deployment) for deployment in page.rows],
        "page": page,
        "summary": page.describe("deployment"),
    }


def running_now(deployments: Any) -> dict[str, Any]:
    """Return what runs, service by service, with what was found in it."""
    current = deployments.current().told()
    ordered = current.order_by("service__name", "target", "environment", "pk")
    shown = list(ordered[: MOST_RUNNING + 1])
    scans = newest_scans({row.image_id for row in shown if row.image_id})
    return {
        "running": [line_of(row) | found_in(scans.get(row.image_id)) for row in shown][
            :MOST_RUNNING
        ],
        "left_off": current.count() - MOST_RUNNING if len(shown) > MOST_RUNNING else 0,
    }


def line_of(deployment: Deployment) -> dict[str, Any]:
    """Return what a line about a deployment shows."""
    verdict = deployment.verdict
    return {
        "deployment": deployment,
        "verdict": verdict,
        "badge": BADGES[verdict.outcome] if verdict else "",
        "policy": label_of(verdict) if verdict else "",
    }


def newest_scans(image_ids: Collection[int]) -> dict[int | None, Scan]:
    """Return the newest scan for vulnerabilities of each image that has one."""
    scans = Scan.objects.filter(image__in=image_ids, kinds__contains=[Kind.VULNERABILITY])
    newest = scans.order_by("image", "-scanned_at", "-pk").distinct("image")
    return {scan.image_id: scan for scan in newest.select_related("project")}


def found_in(scan: Scan | None) -> dict[str, Any]:
    """Return the worst that a scan lists."""
    counts = scan.counts.get("vulnerabilities", {}) if scan else {}
    return {"scan": scan, "severities": _severities(counts)}


def _severities(counts: dict[str, int]) -> Sequence[dict[str, Any]]:
    return [
        {"label": word_of(level), "badge": badge_of(level), "count": counts[level.label]}
        for level in WORST
        if counts.get(level.label)
    ]
