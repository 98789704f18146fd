"""Dashboards."""

from collections.abc import Set
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.paging import is_htmx
from builds.build_list import ingest_command
from builds.forms import ServiceLabelsForm
from builds.labelling import set_labels
from builds.models import Service
from farm.models import Source
from reports.comparison import comparison_page
from reports.overview import overview_page, services_page
from reports.platforms import platforms_page
from reports.service_page import service_page
from reports.wall import wall_page


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first project; tell people without one what to do."""
    project = Project.objects.visible_to(actor_of(request)).first()
    if project is None:
        return render(request, "reports/no_project.html")
    return redirect(project)


def overview(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Is anything wrong, where, since when, what to do."""
    project = get_project(request, project_slug)
    context = overview_page(project)
    context |= {"project": project, "ingest_command": ingest_command(request)}
    return render(request, "reports/overview.html", context)


def platforms(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is built for which platform, and what emulation costs."""
    project = get_project(request, project_slug)
    return render(request, "reports/platforms.html", platforms_page(project) | {"project": project})


def wall(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is broken, what runs and how the week is, for a screen on the wall."""
    project = get_project(request, project_slug)
    context = wall_page(project, request.GET.get("theme", "")) | {"project": project}
    template = "reports/wall.html#live" if is_htmx(request) else "reports/wall.html"
    return render(request, template, context)


def service_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """All services of a project with what matters of each."""
    project = get_project(request, project_slug)
    context = services_page(request, project)
    context |= {"project": project, "ingest_command": ingest_command(request)}
    return render(request, "services/service_list.html", context)


def service_detail(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One service: its past, its usual, the steps that cost most; and its labels, to be set."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    form = ServiceLabelsForm(service, request.POST or None)
    if request.method == "POST":
        get_project(request, project_slug, Scope.SERVICES_WRITE)
        if form.is_valid():
            actor, labels = actor_of(request), form.cleaned_data["labels"]
            return redirect(set_labels(service=service, labels=labels, actor=actor))
    scopes = scopes_in(request, project)
    context = service_page(service, request.GET)
    context |= {"project": project, "can": _actions(service, scopes), "labels_form": form}
    context |= {"may_label": Scope.SERVICES_WRITE in scopes}
    return render(request, "services/service_detail.html", context)


def service_comparison(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """A service against its own past, its sisters and published figures."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    context = comparison_page(get_object_or_404(services, slug=slug))
    return render(request, "reports/comparison.html", context | {"project": project})


def _actions(service: Service, scopes: Set[str]) -> dict[str, str]:
    """Return the addresses of what the reader may do, empty where they may not."""
    slug = service.project.slug
    has_source = Source.objects.filter(service=service).exists()
    build = f"{reverse('farm:trigger', args=[slug])}?{urlencode({'service': service.slug})}"
    return {
        "build": build if has_source and Scope.BUILDS_TRIGGER in scopes else "",
        "source": reverse("farm:source", args=[slug, service.slug])
        if Scope.SERVICES_WRITE in scopes
        else "",
    }
