"""Pages of inspections and BuildKit's checks."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from inspections.checks_page import checks_page
from inspections.inspection_page import inspection_page
from inspections.models import Inspection
from inspections.rules_page import rules_page


def checks(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What came of the checks of each service's newest image."""
    project = get_project(request, project_slug)
    context = checks_page(request, project) | {"project": project}
    return render(request, "inspections/checks.html", context)


def inspection(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One look at an image: what failed, where, since when, and what mends it."""
    project = get_project(request, project_slug)
    inspections = Inspection.objects.filter(project=project).told()
    found = get_object_or_404(inspections, public_id=public_id)
    context = inspection_page(found) | {"project": project}
    return render(request, "inspections/inspection.html", context)


def rules(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Which rules of BuildKit's checks Dockerfiles break, and how often over time."""
    project = get_project(request, project_slug)
    context = rules_page(request, project) | {"project": project}
    return render(request, "inspections/rules.html", context)
