"""Pages about the cache."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project, scopes_in
from builds.build_page import build_page
from builds.models import Build
from cache.why_page import why_page


def why(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Why the steps of a build ran, against the last comparable build or a chosen one."""
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("project", "service")
    build = get_object_or_404(builds, public_id=public_id)
    context = build_page(build, {"tab": "why"}, scopes_in(request, project))
    context |= {"project": project, "why": why_page(build, _chosen(request, build))}
    return render(request, "builds/build_detail.html", context)


def _chosen(request: HttpRequest, build: Build) -> Build | None:
    """Return the build of the same service that the address names."""
    if not (named := request.GET.get("against", "")):
        return None
    others = Build.objects.filter(service=build.service_id).select_related("project", "service")
    try:
        return others.get(public_id=named)
    except (Build.DoesNotExist, ValidationError, ValueError) as error:
        raise Http404 from error
