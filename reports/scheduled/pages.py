"""What the pages of scheduled reports show."""

import base64
from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from accounts.roles import Scope
from accounts.typing import Actor
from buildinsights.paging import page_of
from channels.models import Delivery
from channels.pages import BADGES as DELIVERED
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.mail import pictures_of
from reports.scheduled.optimisation import Optimisation

NEWEST = ("-due_at", "-pk")
BADGES = {"pending": "pending", "made": "succeeded", "failed": "failed"}
SEVERITIES = ("critical", "high", "medium", "low", "info")


def reports_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list: schedules with their last run, and all runs."""
    schedules = ReportSchedule.objects.filter(project=project).select_related("project")
    runs = ReportRun.objects.filter(project=project).without_data().select_related("project")
    last = {
        run.schedule_id: run
        for run in runs.exclude(schedule=None)
        .order_by("schedule_id", "-due_at", "-pk")
        .distinct("schedule_id")
    }
    page = page_of(request, runs, NEWEST)
    return {
        "schedules": [(schedule, _run(last.get(schedule.pk))) for schedule in schedules],
        "page": page,
        "runs": [_run(run) for run in page.rows],
        "summary": page.describe("report"),
        "is_mail_sent": settings.MAIL_IS_SENT,
    }


def _run(run: ReportRun | None) -> dict[str, Any] | None:
    return {"run": run, "badge": BADGES[run.state]} if run else None


def run_page(run: ReportRun, *, shows_addresses: bool) -> dict[str, Any]:
    """Return the context of one report: what was sent, and to whom it went."""
    address = reverse("api:report-run-detail", args=[run.public_id])
    return {
        "run": run,
        "badge": BADGES[run.state],
        "report": shown(run.report) if run.report else None,
        "links": [
            (label, f"{address}?format={name}")
            for label, name in (
                ("As PDF", "pdf"),
                ("As CSV", "csv"),
                ("As JSON", "json"),
                ("As e-mail", "html"),
            )
            if run.report
        ],
        "crumbs": crumbs_of(run.project),
        "is_mail_sent": settings.MAIL_IS_SENT,
        **_delivered(deliveries_of(run), shows_addresses=shows_addresses),
    }


def crumbs_of(project: Project) -> list[dict[str, str]]:
    """Return what stands above the pages of one report."""
    return [{"label": "Reports", "href": reverse("reports:schedules", args=[project.slug])}]


def deliveries_of(run: ReportRun) -> list[Delivery]:
    """Return the deliveries of a report, by address."""
    rows = Delivery.objects.filter(project=run.project_id, key__startswith=f"{run.key}/")
    return list(rows.order_by("key"))


def _delivered(deliveries: Iterable[Delivery], *, shows_addresses: bool) -> dict[str, Any]:
    rows = [(delivery, DELIVERED[Delivery.State(delivery.state)]) for delivery in deliveries]
    counts = Counter(delivery.get_state_display() for delivery, _ in rows)
    return {"deliveries": rows if shows_addresses else [], "delivered": sorted(counts.items())}


def shows_addresses(actor: Actor, project_id: int) -> bool:
    """Tell whether somebody may see who gets reports."""
    may = (Scope.REPORTS_WRITE, Scope.AUDIT_READ)
    return any(project_id in actor.project_ids_with(scope) for scope in may)


def shown(report: Optimisation) -> dict[str, Any]:
    """Return a report as its page shows it; charts are the pictures of the e-mail."""
    pictures = data_uris(report)
    return {
        "report": report,
        "parts": [
            {
                "section": section,
                "picture": pictures.get(section.key, ""),
                "tables": [
                    {
                        "table": table,
                        "rows": [list(zip(row, table.columns, strict=True)) for row in table.rows],
                    }
                    for table in section.tables
                ],
            }
            for section in report.sections
        ],
        "severities": SEVERITIES,
    }


def data_uris(report: Optimisation) -> dict[str, str]:
    """Return the charts of a report as addresses that hold them."""
    return {
        name: f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        for name, picture in pictures_of(report).items()
    }
