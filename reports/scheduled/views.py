"""Pages of scheduled reports."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.forms import ReportScheduleForm
from reports.scheduled.pages import crumbs_of, reports_page, run_page, shown, shows_addresses
from reports.scheduled.running import preview_of
from reports.scheduled.services import delete_schedule, retry_run, send_now


def schedules(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Which reports are sent when, and what became of the last ones."""
    project = get_project(request, project_slug)
    may_change = Scope.REPORTS_WRITE in scopes_in(request, project)
    context = reports_page(request, project) | {"project": project, "may_change": may_change}
    return render(request, "reports/schedules.html", context)


def schedule(
    request: HttpRequest, project_slug: str, public_id: UUID | None = None
) -> HttpResponse:
    """Make or change a schedule, and see first what it would send."""
    project = get_project(request, project_slug, Scope.REPORTS_WRITE)
    known = _schedule(project, public_id) if public_id else None
    form = ReportScheduleForm(project, request.POST or None, instance=known)
    context = {"project": project, "form": form, "crumbs": crumbs_of(project)}
    if known:
        left = known.recipients.exclude(unsubscribed_at=None).select_related("user")
        context |= {"schedule": known, "heading": known.name, "unsubscribed": left}
    if request.method == "POST" and form.is_valid():
        if "preview" not in request.POST:
            return _kept(request, project, form)
        context["report"] = shown(preview_of(form.instance))
    return render(request, "reports/schedule.html", context)


def _kept(request: HttpRequest, project: Project, form: ReportScheduleForm) -> HttpResponse:
    try:
        messages.success(request, f"{form.keep(actor_of(request)).name} is saved.")
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("reports:schedules", project.slug)


@require_POST
def schedule_delete(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Forget a schedule."""
    project = get_project(request, project_slug, Scope.REPORTS_WRITE)
    found = _schedule(project, public_id)
    try:
        delete_schedule(schedule=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.name} is deleted; what was sent stays.")
    return redirect("reports:schedules", project.slug)


@require_POST
def schedule_send(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Send a report at once."""
    project = get_project(request, project_slug, Scope.REPORTS_WRITE)
    run = send_now(schedule=_schedule(project, public_id), actor=actor_of(request))
    messages.success(request, f"{run.name} is being made; its recipients get it then.")
    return redirect("reports:run", project.slug, run.public_id)


def run(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One report as it was sent, and what became of it."""
    project = get_project(request, project_slug)
    found = _run(project, public_id)
    may_see = shows_addresses(actor_of(request), project.pk)
    may_change = Scope.REPORTS_WRITE in scopes_in(request, project)
    context = run_page(found, shows_addresses=may_see)
    context |= {"project": project, "may_change": may_change, "may_see": may_see}
    return render(request, "reports/run.html", context)


@require_POST
def run_retry(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Make a report again that was given up."""
    project = get_project(request, project_slug, Scope.REPORTS_WRITE)
    try:
        retry_run(run=_run(project, public_id), actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("reports:run", project.slug, public_id)


def _schedule(project: Project, public_id: UUID) -> ReportSchedule:
    rows = ReportSchedule.objects.filter(project=project).select_related("project")
    return get_object_or_404(rows, public_id=public_id)


def _run(project: Project, public_id: UUID) -> ReportRun:
    rows = ReportRun.objects.filter(project=project).select_related("project", "schedule")
    return get_object_or_404(rows, public_id=public_id)
