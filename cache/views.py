"""Pages about the cache."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.roles import Scope
from buildinsights.paging import page_of
from builds.build_page import build_page
from builds.models import Build, Service
from cache.advice_page import advice_page
from cache.decisions import DecisionForm, decide, given_advice
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


def advice(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What to change of Dockerfiles."""
    project = get_project(request, project_slug)
    context = advice_page(project, request.GET) | {
        "project": project,
        "may_decide": Scope.SERVICES_WRITE in scopes_in(request, project),
    }
    return render(request, "cache/advice.html", context)


@require_POST
def advice_decide(request: HttpRequest, project_slug: str, slug: str, digest: str) -> HttpResponse:
    """Accept, snooze or dismiss advice, or open it again."""
    project = get_project(request, project_slug, Scope.SERVICES_WRITE)
    services = Service.objects.filter(project=project).select_related("project")
    found = given_advice(get_object_or_404(services, slug=slug), digest)
    if found is None:
        raise Http404
    form = DecisionForm(request.POST)
    if form.is_valid():
        decide(advice=found, values=form.cleaned_data, actor=actor_of(request))
    for texts in form.errors.values():
        for text in texts:
            messages.error(request, f"{found.title}: {text}")
    shown = urlencode({"service": request.POST.get("service", "")})
    return redirect(f"{reverse('cache:advice', args=[project.slug])}?{shown}#advice-{digest}")


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
