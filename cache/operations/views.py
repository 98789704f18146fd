"""Pages of operations on caches."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from buildinsights.paging import is_htmx, page_of
from cache.models import Operation
from cache.operations.forms import FORMS, MEANINGS, PolicyForm
from cache.operations.policy import policy_of, save_policy
from cache.operations.services import ask_by_form, cancel, confirm, shown_plan
from cache.tabs import cache_tabs

NEWEST = ("-requested_at", "-pk")


def operations(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is kept, what can be done, and what was done from here."""
    project = get_project(request, project_slug)
    rows = Operation.objects.filter(project=project).defer("items")
    page = page_of(request, rows, NEWEST)
    context = {
        "project": project,
        "tabs": cache_tabs(project, "cache:operations"),
        "policy": policy_of(project),
        "kinds": [{"kind": kind, "meaning": MEANINGS[kind]} for kind in FORMS],
        "operations": page,
        "summary": page.describe("operation"),
        "may_change": Scope.CACHE_WRITE in scopes_in(request, project),
    }
    return render(request, "cache/operations.html", context)


def policy(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Say how long and how large caches in registries may be."""
    project = get_project(request, project_slug, Scope.CACHE_WRITE)
    form = PolicyForm(request.POST or None, instance=policy_of(project))
    if request.method == "POST" and form.is_valid():
        save_policy(policy=form.save(commit=False), actor=actor_of(request))
        messages.success(request, "The retention policy is saved.")
        return redirect("cache:operations", project.slug)
    context = {"project": project, "form": form, "crumbs": _crumbs(project)}
    return render(request, "cache/policy.html", context | {"heading": "Retention policy"})


def operation_new(request: HttpRequest, project_slug: str, kind: str) -> HttpResponse:
    """Ask for a plan."""
    project = get_project(request, project_slug, Scope.CACHE_WRITE)
    chosen = _kind(kind)
    form = FORMS[chosen](project, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = ask_by_form(project, chosen, form, actor_of(request))
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect(made)
    context = {"project": project, "form": form, "crumbs": _crumbs(project), "kind": chosen}
    return render(request, "cache/operation_new.html", context | {"meaning": MEANINGS[chosen]})


def operation(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One operation: its plan, and what became of it."""
    project = get_project(request, project_slug)
    found = _operation(project, public_id)
    context = {
        "project": project,
        "operation": found,
        "plan": shown_plan(found, actor_of(request)),
        "crumbs": _crumbs(project),
        "may_change": Scope.CACHE_WRITE in scopes_in(request, project),
    }
    name = "cache/operation.html"
    return render(request, name + "#state" if is_htmx(request) else name, context)


@require_POST
def operation_confirm(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Let what is planned be done."""
    return _act(request, project_slug, public_id, confirm)


@require_POST
def operation_cancel(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Let it be."""
    return _act(request, project_slug, public_id, cancel)


def _act(
    request: HttpRequest, project_slug: str, public_id: UUID, act: Callable[..., None]
) -> HttpResponse:
    project = get_project(request, project_slug, Scope.CACHE_WRITE)
    found = _operation(project, public_id)
    try:
        act(operation=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(found)


def _kind(text: str) -> Operation.Kind:
    try:
        return Operation.Kind(text)
    except ValueError as error:
        raise Http404 from error


def _operation(project: Project, public_id: UUID) -> Operation:
    rows = Operation.objects.filter(project=project).select_related("project", "builder")
    return get_object_or_404(rows, public_id=public_id)


def _crumbs(project: Project) -> list[dict[str, str]]:
    return [{"label": "Operations", "href": reverse("cache:operations", args=[project.slug])}]
