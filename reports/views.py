"""Dashboards."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import get_project
from accounts.authentication import actor_of
from accounts.models import Project
from reports.dashboards import overview_page


def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first project; tell people without one what to do."""
    project = Project.objects.visible_to(actor_of(request)).first()
    if project is None:
        return render(request, "reports/no_project.html")
    return redirect("reports:overview", project.slug)


def overview(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Is anything wrong, where, since when, what to do."""
    project = get_project(request, project_slug)
    context = overview_page(project) | {"project": project}
    return render(request, "reports/overview.html", context)
