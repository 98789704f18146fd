"""Pages of sizes and images."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from builds.models import Service
from sizes.sizes_page import sizes_page


def sizes(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """What made the images of a service grow, since when and by whom."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    context = sizes_page(service, request.GET) | {"project": project}
    return render(request, "sizes/sizes.html", context)
