"""Pages about the cache."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project, scopes_in
from buildinsights.paging import page_of
from builds.build_page import build_page
from builds.models import Build, Service
from cache.explaining import named_sibling
from cache.models import CacheAct
from cache.references_page import references_page
from cache.step_page import step_page
from cache.storage_page import storage_page
from cache.tabs import cache_tabs
from cache.why_page import why_page
from cache.worth_page import worth_page


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


def overview(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What the cache was worth, and what began the most costly misses."""
    project = get_project(request, project_slug)
    context = worth_page(project, request.GET) | {"project": project}
    return render(request, "cache/overview.html", context)


def references(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What each cache reference gives and costs."""
    project = get_project(request, project_slug)
    context = references_page(project, request.GET) | {"project": project}
    return render(request, "cache/references.html", context)


def storage(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What builders' caches hold, and what was removed and needed again."""
    project = get_project(request, project_slug)
    context = storage_page(project, request.GET) | {"project": project}
    return render(request, "cache/storage.html", context)


def acts(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What was done to caches."""
    project = get_project(request, project_slug)
    page = page_of(request, CacheAct.objects.filter(project=project), ("-at", "-pk"))
    tabs = cache_tabs(project, "cache:acts")
    context = {"project": project, "tabs": tabs, "acts": page, "summary": page.describe("act")}
    return render(request, "cache/acts.html", context)


def step(request: HttpRequest, project_slug: str, slug: str, identity: str) -> HttpResponse:
    """One step through all builds of a service."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    context = step_page(service, identity)
    if context is None:
        raise Http404
    return render(request, "cache/step.html", context | {"project": project})
