"""Pages of builders."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from resources.builder_page import builder_page
from resources.builders_page import builders_page
from resources.models import Finding


def builders(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What builders have, and what builds take of it."""
    project = get_project(request, project_slug)
    context = builders_page(project, request.GET) | {"project": project}
    return render(request, "resources/builders.html", context)


def builder(request: HttpRequest, project_slug: str, name: str) -> HttpResponse:
    """One builder over time, and what its builds cost each other."""
    project = get_project(request, project_slug)
    finding = get_object_or_404(Finding, project=project, builder=name)
    context = builder_page(finding, project, request.GET) | {"project": project}
    return render(request, "resources/builder.html", context)
