"""Pages about builds and services."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.vary import vary_on_headers

from accounts.access import get_project, scopes_in
from accounts.models import Project
from buildinsights.paging import page_of
from builds.comparison import compare
from builds.dashboards import build_page, search_logs, service_page
from builds.filters import BuildFilter
from builds.models import Build, Service
from builds.overview import service_rows


@vary_on_headers("HX-Request")
def build_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Builds of a project, narrowed by the filters in the address."""
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("service")
    filterset = BuildFilter(request.GET, queryset=builds)
    found: Any = filterset.qs if filterset.is_valid() else builds.none()
    context = {
        "project": project,
        "filter": filterset,
        "page": page_of(request, found.newest_first()),
        "services": project.services.all(),
    }
    name = "builds/build_list.html#table" if request.htmx else "builds/build_list.html"  # type: ignore[attr-defined]
    return render(request, name, context)


def build_detail(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One build, understood."""
    build = _build(request, project_slug, public_id)
    context = build_page(build, _position(request.GET.get("log")))
    context |= {"project": build.project, "may": scopes_in(request, build.project)}
    return render(request, "builds/build_detail.html", context)


def build_log(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Lines of all logs of a build that contain a text."""
    build = _build(request, project_slug, public_id)
    text = request.GET.get("search", "").replace("\0", "").strip()[:200]
    results = search_logs(build, text) if text else []
    context = {"project": build.project, "build": build, "search": text, "results": results}
    return render(request, "builds/build_log.html", context)


def build_compare(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Two builds side by side; without a choice, the last comparable one is the other."""
    build = _build(request, project_slug, public_id)
    project: Project = build.project
    candidates = Build.objects.filter(service=build.service).exclude(pk=build.pk).newest_first()
    against = _chosen(candidates, request.GET.get("against", ""))
    other = against or Build.objects.comparable_to(build).first() or candidates.first()
    context: dict[str, Any] = {
        "project": project,
        "build": build,
        "candidates": candidates[:50],
        "other": other,
        "comparison": compare(other, build) if other else None,
    }
    return render(request, "builds/build_compare.html", context)


def service_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """All services of a project with what matters of each."""
    project = get_project(request, project_slug)
    context = {"project": project, "rows": service_rows(project)}
    return render(request, "builds/service_list.html", context)


def service_detail(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One service: its past, its usual, the steps that cost most."""
    project = get_project(request, project_slug)
    service = get_object_or_404(Service, project=project, slug=slug)
    context = service_page(service) | {"project": project}
    return render(request, "builds/service_detail.html", context)


def _build(request: HttpRequest, project_slug: str, public_id: UUID) -> Build:
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("project", "service")
    return get_object_or_404(builds, public_id=public_id)


def _chosen(candidates: Any, public_id: str) -> Build | None:
    try:
        chosen: Build | None = candidates.filter(public_id=public_id).first() if public_id else None
    except ValidationError:
        return None
    return chosen


def _position(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and len(value) < 10 else None
