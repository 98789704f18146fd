"""Pages about what was sent."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import ApiToken, Project, User
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from buildinsights.paging import page_of
from builds.models import Build
from ingest.models import IngestPayload
from ingest.services import dismiss_payload, replay_payload
from ingest.tasks import enqueue_digest
from ingest.uploads import unpack

ORDER = ("-received_at", "-id")


def receipt_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Receipts of a project, the failures that wait for somebody counted apart."""
    project = get_project(request, project_slug, Scope.INGEST_READ)
    payloads = IngestPayload.objects.filter(project=project).without_body()
    waiting = payloads.filter(state="failed", dismissed_at__isnull=True)
    state = request.GET.get("state", "")
    if state == "waiting":
        payloads = waiting
    elif state in IngestPayload.State.values:
        payloads = payloads.filter(state=state)
    context = {
        "project": project,
        "page": page_of(request, payloads.select_related("token", "user"), ORDER),
        "state": state,
        "states": IngestPayload.State.choices,
        "waiting_count": waiting.count(),
    }
    return render(request, "ingest/receipt_list.html", context)


def receipt_detail(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """What was sent, what became of it, and what can be done about it."""
    project = get_project(request, project_slug, Scope.INGEST_READ)
    payload = _payload(project, public_id)
    context = {
        "project": project,
        "payload": payload,
        "builds": Build.objects.filter(payloads=payload)
        .select_related("service", "project")
        .newest_first(),
        "may": scopes_in(request, project),
    }
    return render(request, "ingest/receipt_detail.html", context)


@require_POST
def receipt_replay(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Digest a failed payload again."""

    def replay(payload: IngestPayload, actor: ApiToken | User) -> None:
        replay_payload(payload=payload, actor=actor)
        enqueue_digest(payload)

    return _act(request, project_slug, public_id, replay, "It is being digested again.")


@require_POST
def receipt_dismiss(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Take a failed payload off the list of what waits."""

    def dismiss(payload: IngestPayload, actor: ApiToken | User) -> None:
        dismiss_payload(payload=payload, actor=actor)

    return _act(request, project_slug, public_id, dismiss, "Dismissed.")


def raw_part(request: HttpRequest, project_slug: str, public_id: UUID, part: str) -> HttpResponse:
    """Download one file as it was sent; never shown by the browser itself."""
    project = get_project(request, project_slug, Scope.INGEST_READ)
    payload = get_object_or_404(IngestPayload, project=project, public_id=public_id)
    found = unpack(payload.parts, payload.body).get(part)
    if found is None:
        raise Http404
    response = HttpResponse(found.data, content_type="application/octet-stream")
    extension = ".dockerbuild" if part == "record" else ".json"
    response["Content-Disposition"] = f'attachment; filename="{public_id}-{part}{extension}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _payload(project: Project, public_id: UUID) -> IngestPayload:
    payloads = IngestPayload.objects.filter(project=project).without_body()
    return get_object_or_404(
        payloads.select_related("project", "token", "user"), public_id=public_id
    )


def _act(
    request: HttpRequest,
    project_slug: str,
    public_id: UUID,
    act: Callable[[IngestPayload, ApiToken | User], None],
    done: str,
) -> HttpResponse:
    project = get_project(request, project_slug, Scope.INGEST_REPLAY)
    payload = _payload(project, public_id)
    try:
        act(payload, actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("ingest:detail", project.slug, public_id)
