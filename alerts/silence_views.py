"""Pages of silences."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from alerts.forms import SilenceForm
from alerts.models import Silence
from alerts.pages import silences_page
from alerts.silences import create_silence, end_silence
from buildinsights.exceptions import DomainError


def silences(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is not told, and a form for more of it."""
    project = get_project(request, project_slug)
    form = SilenceForm(project, request.POST or None, initial=request.GET.dict())
    if request.method == "POST":
        get_project(request, project_slug, Scope.ALERTS_WRITE)
        if form.is_valid() and _made(request, project, form):
            return redirect("alerts:silences", project.slug)
    context = silences_page(request, project) | {
        "project": project,
        "form": form,
        "may_change": Scope.ALERTS_WRITE in scopes_in(request, project),
    }
    return render(request, "alerts/silences.html", context)


def _made(request: HttpRequest, project: Project, form: SilenceForm) -> bool:
    try:
        create_silence(project=project, actor=actor_of(request), **form.cleaned_data)
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    return True


@require_POST
def silence_end(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """End a silence before its time."""
    project = get_project(request, project_slug, Scope.ALERTS_WRITE)
    rows = Silence.objects.filter(project=project)
    try:
        end_silence(silence=get_object_or_404(rows, public_id=public_id), actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("alerts:silences", project.slug)
