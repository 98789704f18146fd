"""The way up from a build, or from what is below a service."""

from django.urls import reverse

from builds.models import Build, Service


def service_crumbs(service: Service) -> list[dict[str, str]]:
    """Return breadcrumbs of a page below a service's, outermost first."""
    return [
        {"label": "Services", "href": reverse("services:list", args=[service.project.slug])},
        {"label": service.name, "href": service.get_absolute_url()},
    ]


def build_crumbs(build: Build, *, with_build: bool = False) -> list[dict[str, str]]:
    """Return breadcrumbs, outermost first, with the build itself if the page is below it."""
    project = build.project.slug
    service_url = reverse("services:detail", args=[project, build.service.slug])
    crumbs = [
        {"label": "Builds", "href": reverse("builds:list", args=[project])},
        {"label": build.service.name, "href": service_url},
    ]
    if with_build:
        label = f"Build {build.revision[:12] or str(build.public_id)[:8]}"
        crumbs.append({"label": label, "href": build.get_absolute_url()})
    return crumbs
