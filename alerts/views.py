"""Pages of alerts."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project, User
from accounts.roles import Scope
from alerts import services
from alerts.models import Alert
from alerts.pages import alert_page, list_page
from buildinsights.exceptions import DomainError


def alerts(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is wrong now."""
    project = get_project(request, project_slug)
    context = list_page(request, project, is_open=True) | {"project": project}
    return render(request, "alerts/list.html", context)


def all_alerts(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What fired, whatever became of it."""
    project = get_project(request, project_slug)
    context = list_page(request, project, is_open=False) | {"project": project}
    return render(request, "alerts/list.html", context)


def alert(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One alert: what, since when, by which commit, and what to do first."""
    project = get_project(request, project_slug)
    found = _alert(project, public_id)
    may_change = Scope.ALERTS_WRITE in scopes_in(request, project)
    context = alert_page(found) | {"project": project, "alert": found, "may_change": may_change}
    return render(request, "alerts/alert.html", context)


@require_POST
def acknowledge(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Note that somebody knows."""
    text = request.POST.get("text", "")[: services.LONGEST_NOTE]
    return _do(request, project_slug, public_id, services.acknowledge, text=text)


@require_POST
def resolve(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Close an alert."""
    text = request.POST.get("text", "")[: services.LONGEST_NOTE]
    return _do(request, project_slug, public_id, services.resolve, text=text)


@require_POST
def add_note(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Write down what somebody found out."""
    text = request.POST.get("text", "").strip()[: services.LONGEST_NOTE]
    if not text:
        project = get_project(request, project_slug, Scope.ALERTS_WRITE)
        messages.error(request, "A note has words.")
        return redirect(_alert(project, public_id))
    return _do(request, project_slug, public_id, services.add_note, text=text)


@require_POST
def own(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Say who takes care of it."""
    get_project(request, project_slug, Scope.ALERTS_WRITE)  # before anybody learns who is a member
    name = request.POST.get("owner", "")
    members = User.objects.filter(memberships__project__slug=project_slug)
    owner = get_object_or_404(members, username=name) if name else None
    return _do(request, project_slug, public_id, services.own, owner=owner)


def _alert(project: Project, public_id: UUID) -> Alert:
    alerts = Alert.objects.filter(project=project).told()
    return get_object_or_404(alerts, public_id=public_id)


def _do(
    request: HttpRequest, slug: str, public_id: UUID, act: Callable[..., Any], **values: Any
) -> HttpResponse:
    project = get_project(request, slug, Scope.ALERTS_WRITE)
    found = _alert(project, public_id)
    try:
        act(alert=found, actor=actor_of(request), **values)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(found)
