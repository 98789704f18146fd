"""The list of builds: filters from the address, cursor pages."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django_filters import FilterSet

from accounts.models import Project
from buildinsights.paging import page_of
from builds.filters import BuildFilter
from builds.models import Build

COLUMNS: list[dict[str, Any]] = [
    {"label": "Build"},
    {"label": "Status"},
    {"label": "Branch, commit", "later": True},
    {"label": "Wall", "number": True},
    {"label": "Critical path", "number": True},
    {"label": "Cache hits"},
    {"label": "Image", "number": True},
    {"label": "Started", "number": True, "direction": "descending"},
]


def list_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list; a filter that is wrong says so and finds nothing."""
    builds = Build.objects.filter(project=project).select_related("service", "project")
    filters = BuildFilter(request.GET, queryset=builds)
    found: Any = filters.qs if filters.is_valid() else builds.none()
    page = page_of(request, found.newest_first())
    summary = page.describe("build")
    return {
        "project": project,
        "builds": page.rows,
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("builds:list", args=[project.slug]),
        "columns": COLUMNS,
        "page": {"summary": summary, "previous": page.previous, "next": page.next},
        "announcement": summary,
        "ingest_command": ingest_command(request),
    }


def active_filters(filters: FilterSet, query: QueryDict) -> list[dict[str, str]]:
    """Return what the list is narrowed by, each with the address without it."""
    active = []
    for name in filters.filters:
        values = [value for value in query.getlist(name) if value]
        if values:
            rest = query.copy()
            del rest[name]
            rest.pop("cursor", None)
            label = f"{filters.filters[name].label}: {', '.join(values)}"
            active.append({"label": label, "remove": "?" + rest.urlencode()})
    return active


def ingest_command(request: HttpRequest) -> str:
    """Return what somebody types to send the first build."""
    address = request.build_absolute_uri(reverse("api:ingest-buildkit"))
    return (
        f'curl -H "Authorization: Bearer $TOKEN" -F record=@build.dockerbuild '
        f"-F service=api {address}"
    )
