"""Pages of deployments."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.access import get_project
from deployments.pages import deployments_page


def deployments(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What runs where, and all that was deployed."""
    project = get_project(request, project_slug)
    context = deployments_page(request, project) | {"project": project}
    return render(request, "deployments/deployments.html", context)
