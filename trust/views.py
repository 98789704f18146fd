"""Pages of verifications and trust policies."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from trust.forms import TrustPolicyForm
from trust.models import TrustPolicy, TrustPolicyVersion, Verification
from trust.pages import policies_page, policy_page, signatures_page
from trust.services import save_policy
from trust.verification_page import verification_page


def signatures(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Whether images are trusted where they run, as they were verified last."""
    project = get_project(request, project_slug)
    context = signatures_page(request, project) | {"project": project}
    return render(request, "trust/signatures.html", context)


def verification(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One verification: why it failed or passed, and what that was founded on."""
    project = get_project(request, project_slug)
    rows = Verification.objects.filter(project=project).told()
    found = get_object_or_404(rows, public_id=public_id)
    context = verification_page(found) | {"project": project}
    return render(request, "trust/verification.html", context)


def policies(request: HttpRequest, project_slug: str) -> HttpResponse:
    """The project's policies, and a form for another or a new version."""
    project = get_project(request, project_slug)
    form = TrustPolicyForm(request.POST or None)
    if request.method == "POST":
        get_project(request, project_slug, Scope.POLICIES_WRITE)
        if form.is_valid() and (made := _saved(request, project, form)):
            return redirect(made.policy)
    may_change = Scope.POLICIES_WRITE in scopes_in(request, project)
    context = policies_page(project) | {"project": project, "form": form, "may_change": may_change}
    return render(request, "trust/policies.html", context)


def policy(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One policy with its versions."""
    project = get_project(request, project_slug)
    rows = TrustPolicy.objects.filter(project=project).select_related("project")
    found = get_object_or_404(rows, public_id=public_id)
    may_change = Scope.POLICIES_WRITE in scopes_in(request, project)
    context = policy_page(found) | {"project": project, "may_change": may_change}
    return render(request, "trust/policy.html", context)


def _saved(
    request: HttpRequest, project: Project, form: TrustPolicyForm
) -> TrustPolicyVersion | None:
    """Keep what a form says; say why if it cannot be."""
    said = form.cleaned_data
    try:
        made, is_new = save_policy(
            project=project,
            name=said["name"],
            document=said["document"],
            policy=form.policy,
            actor=actor_of(request),
        )
    except DomainError as error:
        form.add_error("document", str(error))
        return None
    if is_new:
        messages.success(request, f"Version {made.number} holds from now on.")
    else:
        messages.info(request, "That is what holds already.")
    return made
