"""Pages of the audit trail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.authentication import actor_of
from evidence.access import auditor_project, chain_on_page, events_of, note_view
from evidence.trail_page import event_page, keys_page, trail_page


def trail(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Who did what, and whether that can be believed."""
    home = auditor_project(request, project_slug)
    project = chain_on_page(request, home)
    note_view(actor_of(request), project, "audit")
    context = trail_page(request, home, project) | {"project": home}
    return render(request, "evidence/trail.html", context)


def event(request: HttpRequest, project_slug: str, sequence: int) -> HttpResponse:
    """One act: who, when, from where, what was before and after."""
    home = auditor_project(request, project_slug)
    project = chain_on_page(request, home)
    found = get_object_or_404(events_of(project), sequence=sequence)
    note_view(actor_of(request), project, "audit")
    context = event_page(home, project, found) | {"project": home}
    return render(request, "evidence/event.html", context)


def keys(request: HttpRequest, project_slug: str) -> HttpResponse:
    """The public keys, and how to check an export with them."""
    home = auditor_project(request, project_slug)
    return render(request, "evidence/keys.html", keys_page(home) | {"project": home})
