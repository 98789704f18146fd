"""Pages of security that bring everything together: overview, one image, assessment."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from builds.models import Image
from reports.assessment import assessment_of
from reports.assessment_page import assessment_page
from reports.image_security import image_security_page
from reports.security_overview import security_overview_page
from security.remediation import RemediationForm


def security(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Is anything wrong, where, since when, what to do."""
    project = get_project(request, project_slug)
    context = security_overview_page(project, request.GET.dict()) | {"project": project}
    return render(request, "reports/security.html", context)


def image_security(request: HttpRequest, project_slug: str, digest: str) -> HttpResponse:
    """One image: what is in it, what was found, who vouches for it, and whether it may ship."""
    project = get_project(request, project_slug)
    images = Image.objects.filter(project=project).select_related("project")
    context = image_security_page(get_object_or_404(images, digest=digest))
    return render(request, "reports/image_security.html", context | {"project": project})


def assessment(request: HttpRequest, project_slug: str) -> HttpResponse:
    """The vulnerability assessment, to be read, printed or fetched."""
    project = get_project(request, project_slug)
    form = RemediationForm(project, request.GET.dict())
    context = assessment_page(project, assessment_of(project, form), form) | {"project": project}
    return render(request, "reports/assessment.html", context)
