"""Pages about what was sent."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import ApiToken, Project, User
from accounts.roles import Scope
from audit.services import record_soon
from buildinsights.exceptions import DomainError
from buildinsights.paging import is_htmx, page_of
from builds.build_list import active_filters, ingest_command
from builds.models import Build
from ingest.filters import ReceiptFilter
from ingest.models import IngestPayload
from ingest.services import dismiss_payload, replay_payload
from ingest.tasks import enqueue_digest
from ingest.uploads import unpack

ORDER = ("-received_at", "-id")


@vary_on_headers("HX-Request")
def receipt_list(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Receipts of a project, newest first."""
    project = get_project(request, project_slug, Scope.INGEST_READ)
    payloads = IngestPayload.objects.filter(project=project).without_body().with_builds()
    filters = ReceiptFilter(request.GET, queryset=payloads)
    found = filters.qs if filters.is_valid() else payloads.none()
    page = page_of(
        request,
        found.select_related("project").prefetch_related("build_links__build__service"),
        ORDER,
    )
    summary = page.describe("receipt")
    context = {
        "project": project,
        "receipts": page.rows,
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("ingest:list", args=[project.slug]),
        "page": {"summary": summary, "previous": page.previous, "next": page.next},
        "announcement": summary,
        "ingest_command": ingest_command(request),
    }
    name = "ingest/receipt_list.html"
    return render(request, name + "#results" if is_htmx(request) else name, context)


@vary_on_headers("HX-Request")
def receipt_detail(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """What was sent, what became of it, and what can be done about it."""
    project = get_project(request, project_slug, Scope.INGEST_READ)
    receipt = _payload(project, public_id)
    builds = Build.objects.filter(payloads=receipt).select_related("service", "project")
    context = {
        "project": project,
        "crumbs": [{"label": "Receipts", "href": reverse("ingest:list", args=[project.slug])}],
        "receipt": receipt,
        "settled": receipt.state in {"done", "failed"},
        "builds": builds.newest_first(),
        "can": _actions(request, project, receipt),
    }
    name = "ingest/receipt_detail.html"
    return render(request, name + "#state" if is_htmx(request) else name, context)


def _actions(request: HttpRequest, project: Project, receipt: IngestPayload) -> dict[str, str]:
    """Return the addresses of what the person may do with a failed payload."""
    if receipt.state != "failed" or Scope.INGEST_REPLAY not in scopes_in(request, project):
        return {}
    args = [project.slug, receipt.public_id]
    actions = {"replay": reverse("ingest:replay", args=args)}
    if receipt.dismissed_at is None:
        actions["dismiss"] = reverse("ingest:dismiss", args=args)
    return actions


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
    record_soon(
        actor=actor_of(request),
        action="payload.downloaded",
        target=payload,
        project=project,
        changes={"part": part},
    )
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
