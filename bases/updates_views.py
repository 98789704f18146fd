"""Pages of updates that the server tries."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from bases.models import BaseImage, BaseUpdate
from bases.updates_page import update_page
from bases.updating import patch_headers, try_update
from buildinsights.exceptions import DomainError
from buildinsights.paging import is_htmx
from builds.models import Service
from farm.services import cancel


@require_POST
def try_base(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Queue an update of one service."""
    project = get_project(request, project_slug, Scope.BUILDS_TRIGGER)
    image = get_object_or_404(BaseImage.objects.filter(project=project).told(), public_id=public_id)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=request.POST.get("service", ""))
    to = request.POST.get("to", "")
    try:
        made = try_update(image=image, service=service, to=to, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(image)
    return redirect(made)


def update(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One update: where it stands, its verdict, and its patch."""
    project = get_project(request, project_slug)
    context = update_page(_update(project, public_id)) | {
        "project": project,
        "may_trigger": Scope.BUILDS_TRIGGER in scopes_in(request, project),
    }
    name = "bases/update.html"
    return render(request, f"{name}#update" if is_htmx(request) else name, context)


def patch(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Download the patch; never shown by the browser itself."""
    found = _update(get_project(request, project_slug), public_id)
    if not found.patch:
        raise Http404
    headers = patch_headers(found)
    return HttpResponse(found.patch, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
def end_update(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """End one that is queued or runs."""
    found = _update(get_project(request, project_slug, Scope.BUILDS_TRIGGER), public_id)
    try:
        cancel(build=found.request.build, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "It is being canceled.")
    return redirect(found)


def _update(project: Project, public_id: UUID) -> BaseUpdate:
    rows = BaseUpdate.objects.filter(request__project=project).told()
    return get_object_or_404(rows, request__build__public_id=public_id)
