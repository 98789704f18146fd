"""Pages of scans and findings."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from security.models import Finding, Scan
from security.pages import finding_page, findings_page, scan_page


def findings(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What was found in images, the worst first."""
    project = get_project(request, project_slug)
    context = findings_page(request, project) | {"project": project}
    return render(request, "security/findings.html", context)


def finding(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One finding: where it came from, where it is, and what fixes it."""
    project = get_project(request, project_slug)
    found = get_object_or_404(Finding.objects.filter(project=project).told(), public_id=public_id)
    return render(request, "security/finding.html", finding_page(found) | {"project": project})


def scan(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One scan: what was looked at, by what, and what came of it."""
    project = get_project(request, project_slug)
    found = get_object_or_404(Scan.objects.filter(project=project).told(), public_id=public_id)
    return render(request, "security/scan.html", scan_page(found) | {"project": project})
