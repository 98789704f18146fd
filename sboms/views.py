"""Pages of packages and bills of materials."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.access import get_project
from accounts.authentication import actor_of
from sboms.forms import Against, TwoBuilds
from sboms.models import Sbom
from sboms.pages import difference_page, packages_page, sbom_page, sboms_of_builds, sboms_page
from sboms.reading import note_reading


def packages(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Who has a package, now or at a date."""
    project = get_project(request, project_slug)
    context = packages_page(request, project) | {"project": project}
    return render(request, "sboms/packages.html", context)


def sboms(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Bills of materials, the newest first."""
    project = get_project(request, project_slug)
    return render(request, "sboms/sboms.html", sboms_page(request, project) | {"project": project})


def sbom(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One bill: of what it is, what it lists, and under which licences."""
    project = get_project(request, project_slug)
    found = get_object_or_404(Sbom.objects.filter(project=project).told(), public_id=public_id)
    note_reading(found, actor_of(request))
    return render(request, "sboms/sbom.html", sbom_page(request, found) | {"project": project})


def difference(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """What changed from another bill to this one."""
    project = get_project(request, project_slug)
    own = Sbom.objects.filter(project=project).told()
    after = get_object_or_404(own, public_id=public_id)
    form = Against(request.GET)
    if not form.is_valid():
        raise Http404("no other SBOM is named")
    before = get_object_or_404(own, public_id=form.cleaned_data["against"])
    context = difference_page(before, after) | {"project": project}
    return render(request, "sboms/diff.html", context)


def builds_difference(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What changed in the packages from one build to another, as far as both have a bill."""
    project = get_project(request, project_slug)
    form = TwoBuilds(request.GET)
    if not form.is_valid():
        raise Http404("two builds are to be named")
    found = sboms_of_builds(project, form.cleaned_data)
    before, after = found["before"], found["after"]
    if before is None or after is None:
        missing = [name for name, bill in found.items() if bill is None]
        context = {"project": project, "missing": missing}
        return render(request, "sboms/no_diff.html", context)
    context = difference_page(before, after) | {"project": project}
    return render(request, "sboms/diff.html", context)
