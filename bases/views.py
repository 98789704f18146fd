"""Pages of base images."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from bases.models import BaseImage
from bases.pages import image_page, images_page
from bases.policies import PolicyForm
from bases.services import save_policy


def images(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What services stand on."""
    project = get_project(request, project_slug)
    context = images_page(request, project) | {"project": project}
    return render(request, "bases/images.html", context)


def image(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One base: who stands on it, what it brings along, and what is better."""
    project = get_project(request, project_slug)
    found = get_object_or_404(BaseImage.objects.filter(project=project).told(), public_id=public_id)
    context = image_page(found) | {
        "project": project,
        **_may(request, project),
    }
    return render(request, "bases/image.html", context)


@require_POST
def write_policy(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Add a version of the policy of a base's repository."""
    project = get_project(request, project_slug, Scope.POLICIES_WRITE)
    found = get_object_or_404(BaseImage.objects.filter(project=project).told(), public_id=public_id)
    form = PolicyForm(request.POST)
    if form.is_valid():
        save_policy(repository=found.repository, values=form.cleaned_data, actor=actor_of(request))
        return redirect(f"{found.get_absolute_url()}#policy")
    for texts in form.errors.values():
        for text in texts:
            messages.error(request, str(text))
    context = image_page(found) | {"project": project, "policy_form": form}
    context |= _may(request, project)
    return render(request, "bases/image.html", context, status=422)


def _may(request: HttpRequest, project: Project) -> dict[str, bool]:
    """Return what the person may do on a base's page."""
    scopes = scopes_in(request, project)
    return {
        "may_write": Scope.POLICIES_WRITE in scopes,
        "may_trigger": Scope.BUILDS_TRIGGER in scopes,
    }
