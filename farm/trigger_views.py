"""Pages of what makes builds without a person: schedules and the push webhook."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.sealing import UnreadableError
from farm.forms import ScheduleForm
from farm.models import PushHook, Schedule, Source
from farm.pushes import new_secret, secret_of
from farm.schedules import delete_schedule, save_schedule


@never_cache
def triggers(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Schedules, and the webhook with its secret for those who may trigger builds."""
    project = get_project(request, project_slug)
    may_change = Scope.BUILDS_TRIGGER in scopes_in(request, project)
    hook = PushHook.objects.filter(project=project).first() if may_change else None
    sources = Source.objects.filter(service__project=project).exclude(push_patterns="")
    context = {
        "project": project,
        "schedules": Schedule.objects.filter(project=project).prefetch_related("sources__service"),
        "pushed": sources.select_related("service"),
        "may_change": may_change,
        "hook": hook,
        "hook_url": _hook_url(request, hook) if hook else "",
        "hook_secret": _hook_secret(hook) if hook else "",
    }
    return render(request, "farm/triggers.html", context)


def schedule(
    request: HttpRequest, project_slug: str, public_id: UUID | None = None
) -> HttpResponse:
    """Make or change a schedule."""
    project = get_project(request, project_slug, Scope.BUILDS_TRIGGER)
    known = _schedule(project, public_id) if public_id else None
    form = ScheduleForm(project, request.POST or None, instance=known)
    if request.method == "POST" and form.is_valid():
        saved = save_schedule(form=form, actor=actor_of(request))
        messages.success(request, f"{saved.name} is saved.")
        return redirect("farm:triggers", project.slug)
    context = {"project": project, "form": form, "schedule": known, "crumbs": _crumbs(project)}
    return render(request, "farm/schedule.html", context)


@require_POST
def schedule_delete(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Forget a schedule."""
    project = get_project(request, project_slug, Scope.BUILDS_TRIGGER)
    found = _schedule(project, public_id)
    delete_schedule(schedule=found, actor=actor_of(request))
    messages.success(request, f"{found.name} is deleted.")
    return redirect("farm:triggers", project.slug)


@require_POST
def hook_secret(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Make the webhook, or replace its secret."""
    project = get_project(request, project_slug, Scope.BUILDS_TRIGGER)
    new_secret(project=project, actor=actor_of(request))
    messages.success(request, "The webhook has a new secret.")
    return redirect("farm:triggers", project.slug)


def _schedule(project: Project, public_id: UUID) -> Schedule:
    rows = Schedule.objects.filter(project=project).select_related("project")
    return get_object_or_404(rows, public_id=public_id)


def _hook_url(request: HttpRequest, hook: PushHook) -> str:
    return request.build_absolute_uri(reverse("api:push-hook", args=[hook.public_id]))


def _hook_secret(hook: PushHook) -> str:
    """Return the webhook's secret, nothing if no key opens it any more."""
    try:
        return secret_of(hook)
    except UnreadableError:
        return ""


def _crumbs(project: Project) -> list[dict[str, str]]:
    return [{"label": "Triggers", "href": reverse("farm:triggers", args=[project.slug])}]
