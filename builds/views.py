"""Pages about builds."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.vary import vary_on_headers

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from buildinsights.paging import is_htmx
from builds.build_list import list_page
from builds.build_page import build_page
from builds.compare_page import compare_page
from builds.logview import raw_log
from builds.models import Build
from builds.reading import note_log


@vary_on_headers("HX-Request")
def build_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Builds of a project, narrowed by the filters in the address."""
    project = get_project(request, project_slug)
    name = "builds/build_list.html"
    if is_htmx(request):
        name += "#results"
    return render(request, name, list_page(request, project))


@vary_on_headers("HX-Request")
def build_detail(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One build, understood."""
    build = _build(request, project_slug, public_id)
    if request.GET.get("tab") == "why":
        return redirect("cache:why", project_slug, public_id)
    name = "builds/build_detail.html"
    if is_htmx(request):
        name += "#summary"
    context = build_page(build, request.GET.dict(), scopes_in(request, build.project))
    if context["tab"] == "log":
        note_log(build, actor_of(request))
    context |= {"project": build.project}
    return render(request, name, context)


def build_log(request: HttpRequest, project_slug: str, public_id: UUID) -> StreamingHttpResponse:
    """Everything the steps printed, as plain text."""
    build = _build(request, project_slug, public_id)
    note_log(build, actor_of(request))
    response = StreamingHttpResponse(raw_log(build), content_type="text/plain; charset=utf-8")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def build_compare(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Two builds side by side; without a choice, the last comparable one is the other."""
    build = _build(request, project_slug, public_id)
    context = compare_page(build, request.GET.get("against", ""))
    return render(request, "builds/compare.html", context | {"project": build.project})


def _build(request: HttpRequest, project_slug: str, public_id: UUID) -> Build:
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("project", "service")
    return get_object_or_404(builds, public_id=public_id)
