"""Pages of sizes and images."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from builds.models import Image, Service
from sizes.image_page import image_page
from sizes.images_page import images_page
from sizes.sizes_page import sizes_page


def images(request: HttpRequest, project_slug: str) -> HttpResponse:
    """The newest image of each service, target, variant and platform."""
    project = get_project(request, project_slug)
    context = images_page(request, project) | {"project": project}
    return render(request, "sizes/images.html", context)


def image(request: HttpRequest, project_slug: str, digest: str) -> HttpResponse:
    """One image: what each instruction added, who made it, and what lies in it."""
    project = get_project(request, project_slug)
    found = get_object_or_404(Image.objects.filter(project=project), digest=digest)
    return render(request, "sizes/image.html", image_page(found) | {"project": project})


def sizes(request: HttpRequest, project_slug: str, slug: str) -> HttpResponse:
    """What made the images of a service grow, since when and by whom."""
    project = get_project(request, project_slug)
    services = Service.objects.filter(project=project).select_related("project")
    service = get_object_or_404(services, slug=slug)
    context = sizes_page(service, request.GET) | {"project": project}
    return render(request, "sizes/sizes.html", context)
