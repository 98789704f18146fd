"""The list of builds: filters from the address, cursor pages."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import Page, page_of
from builds.filters import BuildFilter
from builds.models import Build

COLUMNS: list[dict[str, Any]] = [
    {"label": "Build"},
    {"label": "Status"},
    {"label": "Branch, commit"},
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
    return {
        "project": project,
        "builds": page.rows,
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("builds:list", args=[project.slug]),
        "columns": COLUMNS,
        "page": page,
        "announcement": summary(page),
        "ingest_command": ingest_command(request, project),
    }


def summary(page: Page) -> str:
    """Say what is shown, for eyes and for screen readers."""
    count = len(page.rows)
    shown = f"{count} build{'' if count == 1 else 's'}"
    return f"{shown}, newest first" if not page.newer_url else f"{shown}, older"


def active_filters(filters: BuildFilter, query: QueryDict) -> list[dict[str, str]]:
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


def ingest_command(request: HttpRequest, project: Project) -> str:
    """Return what somebody types to send the first build."""
    address = request.build_absolute_uri(reverse("api:ingest-buildkit"))
    return (
        f'curl -H "Authorization: Bearer $TOKEN" -F record=@build.dockerbuild '
        f"-F service=api {address}"
    )
