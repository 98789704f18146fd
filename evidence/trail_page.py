"""The audit trail on a page: how its chain stands, and its events."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from audit.checkpoints import cut_of, newest_of
from audit.models import AuditChain, AuditEvent, PendingEvent, SigningKey
from audit.services import chain_name
from buildinsights.paging import page_of
from builds.build_list import active_filters
from builds.models import Image
from evidence.access import SERVER, deleted_projects, events_of
from evidence.changes import changes_of
from evidence.filters import TrailFilter
from evidence.targets import address_of

ORDER = ("-sequence",)

FORMATS = (
    ("zip", "ZIP", "with the keys and the program that checks it"),
    ("jsonl", "JSON Lines", "to be checked with that program"),
    ("csv", "CSV", "for spreadsheets"),
    ("pdf", "PDF", "to read and print"),
)


def trail_page(request: HttpRequest, home: Project, project: Project | None) -> dict[str, Any]:
    """Return the context; ``home`` is the project whose page shows the chain."""
    filters = TrailFilter(request.GET, queryset=events_of(project))
    found: Any = filters.qs if filters.is_valid() else AuditEvent.objects.none()
    page = page_of(request, found, ORDER)
    own = _query(home, project)
    return {
        "rows": [_row(home, event, own) for event in page.rows],
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": _address(reverse("evidence:trail", args=[home.slug]), own),
        "page": page,
        "summary": page.describe("event"),
        "state": state_of(chain_name(project)),
        "exports": _exports(home, filters, own),
        "own": own,
        "of": _of(home, project),
        "other": _other(request, home, project),
        "deleted": [] if project else _deleted(home),
    }


def _row(home: Project, event: AuditEvent, own: dict[str, str]) -> dict[str, Any]:
    address = reverse("evidence:event", args=[home.slug, event.sequence])
    return {
        "event": event,
        "href": _address(address, own),
        "changes": "; ".join(str(change) for change in changes_of(event.changes)),
    }


def _exports(home: Project, filters: TrailFilter, own: dict[str, str]) -> list[dict[str, str]]:
    said = (filters.said() if filters.is_valid() else {}) | (own or {"project": home.slug})
    base = reverse("api:audit-export")
    return [
        {"label": label, "note": note, "href": _address(base, {"as": form} | said)}
        for form, label, note in FORMATS
    ]


def _other(request: HttpRequest, home: Project, project: Project | None) -> dict[str, str] | None:
    """Return where a superuser sees the other chain: the server's, or the project's."""
    if not getattr(request.user, "is_superuser", False):
        return None
    address = reverse("evidence:trail", args=[home.slug])
    if project != home:
        return {"label": f"Trail of {home.name}", "href": address}
    return {"label": "Trail of the server", "href": _address(address, {"chain": SERVER})}


def _query(home: Project, project: Project | None) -> dict[str, str]:
    """Return what addresses on the pages of ``home`` need to be about the chain of ``project``."""
    if project == home:
        return {}
    return {"chain": str(project.public_id) if project else SERVER}


def _of(home: Project, project: Project | None) -> str:
    """Return whose trail it is, if it is not the page's own."""
    if project is None:
        return "the server"
    return "" if project == home else project.name


def _deleted(home: Project) -> list[dict[str, Any]]:
    """Return the trails that deleted projects have left."""
    address = reverse("evidence:trail", args=[home.slug])
    return [
        {
            "name": chain.project_name or chain.name,
            "events": chain.sequence,
            "href": _address(address, {"chain": chain.name}),
        }
        for chain in deleted_projects()
    ]


def _address(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def state_of(chain: str) -> dict[str, Any]:
    """Return how a chain stands: its length, the last proof, the last signature, what is cut."""
    head = AuditChain.objects.filter(name=chain).first() or AuditChain(name=chain)
    checkpoint = newest_of(chain)
    return {
        "head": head,
        "checkpoint": checkpoint,
        "unsigned": head.sequence - (checkpoint.sequence if checkpoint else 0),
        "waiting": PendingEvent.objects.filter(chain=chain).count(),
        "cut": cut_of(chain).sequence,
        "has_key": bool(settings.AUDIT_SIGNING_KEY_FILE),
    }


def event_page(home: Project, project: Project | None, event: AuditEvent) -> dict[str, Any]:
    """Return the context of one event."""
    own = _query(home, project)
    neighbours = events_of(project)
    trail = _address(reverse("evidence:trail", args=[home.slug]), own)
    around = {
        name: _address(reverse("evidence:event", args=[home.slug, sequence]), own)
        for name, sequence in (("before", event.sequence - 1), ("after", event.sequence + 1))
        if neighbours.filter(sequence=sequence).exists()
    }
    return {
        "event": event,
        "changes": list(changes_of(event.changes)),
        "target_href": address_of(event),
        "crumbs": [{"label": "Audit trail", "href": trail}],
        "around": around,
        "same_request": _address(trail, own | {"request_id": event.request_id}),
        "same_target": _address(trail, own | {"target": event.target_id}),
    }


def image_crumbs(image: Image) -> list[dict[str, str]]:
    """Return the way to an image's dossier."""
    slug = image.project.slug
    address = reverse("reports:image-security", args=[slug, image.digest])
    return [
        {"label": "Images", "href": reverse("sizes:images", args=[slug])},
        {"label": image.digest.removeprefix("sha256:")[:12], "href": address},
    ]


def keys_page(home: Project) -> dict[str, Any]:
    """Return the context of the page of public keys."""
    trail = reverse("evidence:trail", args=[home.slug])
    return {
        "keys": SigningKey.objects.oldest_first()[::-1],
        "crumbs": [{"label": "Audit trail", "href": trail}],
    }
