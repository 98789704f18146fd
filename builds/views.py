"""Pages about builds and services."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.vary import vary_on_headers

from accounts.access import get_project
from builds.build_list import list_page
from builds.build_page import build_page
from builds.comparison import compare
from builds.dashboards import service_page
from builds.logview import raw_log
from builds.models import Build, Service
from builds.overview import service_rows


@vary_on_headers("HX-Request")
def build_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Builds of a project, narrowed by the filters in the address."""
    project = get_project(request, project_slug)
    name = "builds/build_list.html"
    if getattr(request, "htmx", False):
        name += "#results"
    return render(request, name, list_page(request, project))


@vary_on_headers("HX-Request")
def build_detail(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One build, understood."""
    build = _build(request, project_slug, public_id)
    name = "builds/build_detail.html"
    if getattr(request, "htmx", False):
        name += "#summary"
    context = build_page(build, request.GET.dict()) | {"project": build.project}
    return render(request, name, context)


def build_log(request: HttpRequest, project_slug: str, public_id: UUID) -> StreamingHttpResponse:
    """Everything the steps printed, as plain text."""
    build = _build(request, project_slug, public_id)
    response = StreamingHttpResponse(raw_log(build), content_type="text/plain; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def build_compare(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Two builds side by side; without a choice, the last comparable one is the other."""
    build = _build(request, project_slug, public_id)
    others = Build.objects.filter(service=build.service).exclude(pk=build.pk)
    others = others.select_related("project", "service").newest_first()
    chosen = _chosen(others, request.GET.get("against", ""))
    before = chosen or Build.objects.comparable_to(build).first() or others.first()
    context = {
        "project": build.project,
        "build": build,
        "others": others[:50],
        "before": before,
        "comparison": compare(before, build) if before else None,
    }
    return render(request, "builds/compare.html", context)


def service_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """All services of a project with what matters of each."""
    project = get_project(request, project_slug)
    context = {"project": project, "rows": service_rows(project)}
    return render(request, "services/service_list.html", context)


def service_detail(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One service: its past, its usual, the steps that cost most."""
    project = get_project(request, project_slug)
    service = get_object_or_404(Service, project=project, slug=slug)
    context = service_page(service) | {"project": project}
    return render(request, "services/service_detail.html", context)


def _build(request: HttpRequest, project_slug: str, public_id: UUID) -> Build:
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("project", "service")
    return get_object_or_404(builds, public_id=public_id)


def _chosen(builds: Any, public_id: str) -> Build | None:
    try:
        chosen: Build | None = builds.filter(public_id=public_id).first() if public_id else None
    except ValidationError:
        return None
    return chosen
