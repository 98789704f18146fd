"""Dashboards."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.access import get_project
from accounts.authentication import actor_of
from accounts.models import Project
from builds.build_list import ingest_command
from builds.models import Service
from reports.overview import overview_page
from reports.service_page import service_page


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


def service_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """All services of a project with what matters of each."""
    project = get_project(request, project_slug)
    context = overview_page(project)
    context |= {"project": project, "ingest_command": ingest_command(request)}
    return render(request, "services/service_list.html", context)


def service_detail(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One service: its past, its usual, the steps that cost most."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    context = service_page(service, request.GET) | {"project": project}
    return render(request, "services/service_detail.html", context)
