"""Pages of policies and verdicts."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from policies import dry_runs
from policies.forms import PolicyForm
from policies.models import Policy, Verdict
from policies.pages import (
    EXAMPLE,
    dry_run_page,
    policies_page,
    policy_page,
    starting,
    verdict_page,
    verdicts_page,
)
from policies.services import change_policy, create_policy, retire_policy


def policies(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What images must be to ship, and the newest verdicts."""
    project = get_project(request, project_slug)
    context = policies_page(project) | {
        "project": project,
        "may_change": Scope.POLICIES_WRITE in scopes_in(request, project),
    }
    return render(request, "policies/policies.html", context)


def new(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Write a policy, or try one."""
    project = get_project(request, project_slug, Scope.POLICIES_WRITE)
    form = PolicyForm(request.POST or None, initial={"text": EXAMPLE})
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            return _tried(request, project, form)
        try:
            made = create_policy(
                project=project,
                name=form.cleaned_data["name"],
                written=form.written,
                environments=form.cleaned_data["environments"],
                is_default=form.cleaned_data["is_default"],
                actor=actor_of(request),
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return redirect(made)
    return render(request, "policies/form.html", {"project": project, "form": form})


def policy(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """One policy: its rules, its versions, what it said; and the form to change it."""
    project = get_project(request, project_slug)
    found = _policy(project, slug)
    may_change = Scope.POLICIES_WRITE in scopes_in(request, project) and not found.retired_at
    context = policy_page(found) | {"project": project, "may_change": may_change}
    form = PolicyForm(request.POST or None, initial=starting(found, context["versions"][0]))
    if request.method == "POST":
        get_project(request, project_slug, Scope.POLICIES_WRITE)
        if form.is_valid() and "try" in request.POST:
            return _tried(request, project, form, context)
        if form.is_valid() and _changed(request, found, form):
            return redirect(found)
    return render(request, "policies/policy.html", context | {"form": form})


def _changed(request: HttpRequest, policy: Policy, form: PolicyForm) -> bool:
    """Change a policy as a valid form says; ``False`` if it is refused."""
    said = form.cleaned_data
    try:
        change_policy(
            policy=policy,
            name=said["name"],
            written=form.written,
            environments=said["environments"],
            is_default=said["is_default"],
            actor=actor_of(request),
        )
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    return True


def _tried(
    request: HttpRequest,
    project: Project,
    form: PolicyForm,
    context: dict[str, object] | None = None,
) -> HttpResponse:
    """Show what rules would have said, beside their form; nothing is kept."""
    environments = form.cleaned_data["environments"]
    run = dry_runs.dry_run(
        project,
        form.cleaned_data["document"],
        environment=environments[0] if len(environments) == 1 else "",
    )
    template = "policies/policy.html" if context else "policies/form.html"
    shown = {"project": project, "form": form} | (context or {}) | dry_run_page(run)
    return render(request, template, shown)


@require_POST
def retire(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """Let a policy hold nowhere any more."""
    project = get_project(request, project_slug, Scope.POLICIES_WRITE)
    found = _policy(project, slug)
    retire_policy(policy=found, actor=actor_of(request))
    return redirect(found)


def verdicts(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Verdicts that were given."""
    project = get_project(request, project_slug)
    context = verdicts_page(request, project) | {"project": project}
    return render(request, "policies/verdicts.html", context)


def verdict(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One verdict: why, and what was looked at."""
    project = get_project(request, project_slug)
    rows = Verdict.objects.filter(project=project).told()
    found = get_object_or_404(rows, public_id=public_id)
    return render(request, "policies/verdict.html", verdict_page(found) | {"project": project})


def _policy(project: Project, slug: str) -> Policy:
    return get_object_or_404(Policy.objects.filter(project=project).told(), slug=slug)
