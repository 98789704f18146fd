"""Pages of trends and changes."""

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
from builds.models import Service
from trends.budgets import BudgetForm, delete_budget, save_budget
from trends.budgets_page import budgets_page
from trends.changes_page import change_page, changes_page
from trends.models import Budget, Change
from trends.services import acknowledge
from trends.trend_page import trend_page


def changes(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What got slower or larger, since which build."""
    project = get_project(request, project_slug)
    context = changes_page(request, project) | {"project": project}
    return render(request, "trends/changes.html", context)


def trend(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One metric of a service over time."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    context = trend_page(service, request.GET) | {"project": project}
    return render(request, "trends/trend.html", context)


def change(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One change: how large, since when, by which steps, and what is likely behind it."""
    project = get_project(request, project_slug)
    context = change_page(_change(project, public_id)) | {
        "project": project,
        "may_acknowledge": Scope.SERVICES_WRITE in scopes_in(request, project),
    }
    return render(request, "trends/change.html", context)


def budgets(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """What a service's builds may take, and whether the last one kept to it."""
    project = get_project(request, project_slug)
    service = get_object_or_404(Service.objects.filter(project=project), slug=slug)
    may_change = Scope.SERVICES_WRITE in scopes_in(request, project)
    form = BudgetForm(service, request.POST or None)
    if request.method == "POST":
        get_project(request, project_slug, Scope.SERVICES_WRITE)
        if form.is_valid():
            save_budget(form=form, actor=actor_of(request))
            return redirect("trends:budgets", project.slug, service.slug)
    context = {"project": project, "form": form, "may_change": may_change}
    return render(request, "trends/budgets.html", budgets_page(service) | context)


@require_POST
def budget_delete(request: HttpRequest, project_slug: str, slug: str, number: int) -> HttpResponse:
    """Forget a budget."""
    project = get_project(request, project_slug, Scope.SERVICES_WRITE)
    rows = Budget.objects.filter(service__project=project, service__slug=slug)
    found = get_object_or_404(rows.select_related("service__project"), pk=number)
    delete_budget(budget=found, actor=actor_of(request))
    return redirect("trends:budgets", project.slug, slug)


@require_POST
def change_acknowledge(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Say that somebody knows, and why it may stay."""
    project = get_project(request, project_slug, Scope.SERVICES_WRITE)
    found = _change(project, public_id)
    reason = request.POST.get("reason", "").strip()
    try:
        acknowledge(change=found, reason=reason, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(found)


def _change(project: Project, public_id: UUID) -> Change:
    rows = Change.objects.filter(series__service__project=project).told()
    return get_object_or_404(rows, public_id=public_id)
