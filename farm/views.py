"""Pages of the queue."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from buildinsights.paging import is_htmx
from builds.models import Build, Service
from farm.again_page import again_page, stages_of
from farm.failures_page import failures_page
from farm.forms import AgainForm, SourceForm, TriggerForm
from farm.live_page import live_view
from farm.models import Source
from farm.queue_page import queue_page
from farm.queueing import retry
from farm.services import cancel, save_source, trigger
from farm.watching import give_pass, holds_pass

STOP_POLLING = 286
"""htmx stops asking at this status."""


def queue(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What runs, what waits, and the builders."""
    project = get_project(request, project_slug)
    context = queue_page(project) | {
        "project": project,
        "may_trigger": Scope.BUILDS_TRIGGER in scopes_in(request, project),
    }
    name = "farm/queue.html"
    return render(request, name + "#live" if is_htmx(request) else name, context)


def trigger_build(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Ask for builds."""
    project = get_project(request, project_slug, Scope.BUILDS_TRIGGER)
    chosen = Source.objects.filter(
        service__project=project, service__slug=request.GET.get("service", "")
    )
    form = TriggerForm(project, request.POST or None, initial={"services": chosen})
    if request.method == "POST" and form.is_valid():
        try:
            made = trigger(
                sources=list(form.cleaned_data["services"]),
                wish=form.wish(),
                actor=actor_of(request),
                supersede=form.cleaned_data["supersede"],
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect(made[0].build if len(made) == 1 else _queue_of(project))
    context = {"project": project, "form": form, "without_source": _without_source(project)}
    context |= {"crumbs": [{"label": "Queue", "href": _queue_of(project)}]}
    return render(request, "farm/trigger.html", context)


def source(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """Say where a service's code is."""
    project = get_project(request, project_slug, Scope.SERVICES_WRITE)
    service = get_object_or_404(Service.objects.filter(project=project), slug=slug)
    known = Source.objects.filter(service=service).first()
    form = SourceForm(service, request.POST or None, instance=known)
    if request.method == "POST" and form.is_valid():
        save_source(form=form, actor=actor_of(request))
        messages.success(request, f"{service.name} can be built here now.")
        return redirect(service)
    crumbs = [{"label": service.name, "href": service.get_absolute_url()}]
    context = {"project": project, "service": service, "form": form, "crumbs": crumbs}
    return render(request, "farm/source.html", context)


@login_not_required
def live(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """The live part of a build's page; when the state changes, the page is loaded whole."""
    if not holds_pass(request, public_id):
        return _admit(request, project_slug, public_id)
    return _live(request, public_id)


@login_required
def _admit(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    build = _build(get_project(request, project_slug), public_id)
    response = _live(request, build.public_id)
    give_pass(response, request, build.public_id)
    return response


def _live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    shown = live_view(public_id)
    if shown.has_moved_on_from(request.GET.get("seen", "")):
        return HttpResponse(status=STOP_POLLING, headers={"HX-Refresh": "true"})
    return HttpResponse(shown.html)


def again(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """The part of a build's page that says how to build it again."""
    project = get_project(request, project_slug)
    may_trigger = Scope.BUILDS_TRIGGER in scopes_in(request, project)
    context = again_page(_build(project, public_id)) | {"may_trigger": may_trigger}
    return render(request, "farm/_again.html", context)


def failures(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Failures grouped by fingerprint."""
    project = get_project(request, project_slug)
    return render(request, "farm/failures.html", failures_page(project) | {"project": project})


@require_POST
def build_cancel(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """End a queued or running build."""
    build = _build(get_project(request, project_slug, Scope.BUILDS_TRIGGER), public_id)
    try:
        cancel(build=build, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is being canceled.")
    return redirect(build)


@require_POST
def build_retry(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Build the same again, or with less of the cache, or saying more of it."""
    build = _build(get_project(request, project_slug, Scope.BUILDS_TRIGGER), public_id)
    form = AgainForm(stages_of(build), request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such stage in this build.")
        return redirect(build)
    try:
        made = retry(build=build, actor=actor_of(request), **form.changes())
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(build)
    return redirect(made.build)


def _build(project: Project, public_id: UUID) -> Build:
    builds = Build.objects.filter(project=project).select_related("project", "service")
    return get_object_or_404(builds, public_id=public_id)


def _queue_of(project: Project) -> str:
    return reverse("farm:queue", args=[project.slug])


def _without_source(project: Project) -> list[Service]:
    return list(Service.objects.filter(project=project, source__isnull=True)[:50])
