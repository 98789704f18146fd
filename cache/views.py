"""Pages about the cache."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project, scopes_in
from builds.build_page import build_page
from builds.models import Build
from cache.explaining import named_sibling
from cache.why_page import why_page


def why(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Why the steps of a build ran, against the last comparable build or a chosen one."""
    project = get_project(request, project_slug)
    builds = Build.objects.filter(project=project).select_related("project", "service")
    build = get_object_or_404(builds, public_id=public_id)
    try:
        against = named_sibling(build, request.GET.get("against", ""))
    except Build.DoesNotExist as error:
        raise Http404 from error
    context = build_page(build, {"tab": "why"}, scopes_in(request, project))
    context |= {"project": project, "why": why_page(build, against)}
    return render(request, "builds/build_detail.html", context)
