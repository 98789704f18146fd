"""Pages of the audit trail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from accounts.authentication import actor_of
from audit.services import record_once_a_day
from builds.models import Image
from evidence.access import auditor_project, chain_on_page, events_of, note_view
from evidence.dossier.sections import sections_of
from evidence.dossier_api import dossier_of
from evidence.trail_page import event_page, image_crumbs, keys_page, trail_page


def trail(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Who did what, and whether that can be believed."""
    home = auditor_project(request, project_slug)
    project = chain_on_page(request, home)
    note_view(actor_of(request), project)
    context = trail_page(request, home, project) | {"project": home}
    return render(request, "evidence/trail.html", context)


def event(request: HttpRequest, project_slug: str, sequence: int) -> HttpResponse:
    """One act: who, when, from where, what was before and after."""
    home = auditor_project(request, project_slug)
    project = chain_on_page(request, home)
    found = get_object_or_404(events_of(project), sequence=sequence)
    note_view(actor_of(request), project)
    context = event_page(home, project, found) | {"project": home}
    return render(request, "evidence/event.html", context)


def keys(request: HttpRequest, project_slug: str) -> HttpResponse:
    """The public keys, and how to check an export with them."""
    home = auditor_project(request, project_slug)
    return render(request, "evidence/keys.html", keys_page(home) | {"project": home})


def dossier(request: HttpRequest, project_slug: str, digest: str) -> HttpResponse:
    """All that is known of one image, on one page."""
    project = get_project(request, project_slug)
    images = Image.objects.filter(project=project).select_related("project")
    image = get_object_or_404(images, digest=digest)
    record_once_a_day(
        actor=actor_of(request), action="dossier.viewed", target=image, project=project
    )
    found = dossier_of(image, actor_of(request))
    context = {"project": project, "image": image, "dossier": found}
    sections = list(sections_of(found))
    missing = [section for section in sections if not section.rows]
    context |= {"sections": sections, "missing": missing, "crumbs": image_crumbs(image)}
    return render(request, "evidence/dossier.html", context)
