"""Members and tokens of a project."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import get_project
from accounts.forms import MemberForm, TokenForm
from accounts.models import ApiToken, Membership, Project, User
from accounts.roles import ROLE_SCOPES, Role, Scope
from accounts.services import create_token, remove_member, revoke_token, set_member_role
from buildinsights.exceptions import DomainError


def members(request: HttpRequest, project_slug: str) -> HttpResponse:
    """List members; add one or change a role."""
    project = get_project(request, project_slug, Scope.MEMBERS_WRITE)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            set_member_role(project=project, user=form.user(), role=role, actor=_user(request))
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{form.cleaned_data['username']} is now {role.label}.")
            return redirect("accounts:members", project.slug)
    context = {
        "project": project,
        "form": form,
        "memberships": project.memberships.select_related("user"),
        "roles": [(role, sorted(ROLE_SCOPES[role])) for role in Role],
    }
    return render(request, "accounts/members.html", context)


@require_POST
def member_remove(request: HttpRequest, project_slug: str, pk: int) -> HttpResponse:
    """Take a person out of the project."""
    project = get_project(request, project_slug, Scope.MEMBERS_WRITE)
    rows = Membership.objects.filter(project=project).select_related("user", "project")
    membership = get_object_or_404(rows, pk=pk)
    try:
        remove_member(membership=membership, actor=_user(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.user} is no longer a member.")
    return redirect("accounts:members", project.slug)


@never_cache
def tokens(request: HttpRequest, project_slug: str) -> HttpResponse:
    """List tokens; create one and show its secret, this once."""
    project = get_project(request, project_slug, Scope.TOKENS_WRITE)
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        secret = _create(project, form, _user(request))
        form = TokenForm()
    context: dict[str, Any] = {
        "project": project,
        "form": form,
        "secret": secret,
        "tokens": ApiToken.objects.filter(project=project).select_related("created_by"),
    }
    return render(request, "accounts/tokens.html", context)


def _create(project: Project, form: TokenForm, actor: User) -> str:
    _, secret = create_token(
        project=project,
        name=form.cleaned_data["name"],
        scopes=[Scope(scope) for scope in form.cleaned_data["scopes"]],
        expires_at=form.cleaned_data["expires_at"],
        actor=actor,
    )
    return secret


@require_POST
def token_revoke(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Make a token useless."""
    project = get_project(request, project_slug, Scope.TOKENS_WRITE)
    rows = ApiToken.objects.filter(project=project).select_related("project")
    token = get_object_or_404(rows, public_id=public_id)
    revoke_token(token=token, actor=_user(request))
    messages.success(request, f"The token {token.name} no longer works.")
    return redirect("accounts:tokens", project.slug)


def _user(request: HttpRequest) -> User:
    """Pages are for people: API tokens do not get here."""
    assert isinstance(request.user, User)  # noqa: S101  # LoginRequiredMiddleware
    return request.user
