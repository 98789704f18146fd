"""What the pages of packages and bills of materials show."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.build_list import active_filters
from sboms.comparison import Difference, compare
from sboms.filters import SbomFilter
from sboms.forms import PackageSearch
from sboms.models import PackageVersion, Sbom, SbomPackage
from sboms.querysets import BY_NAME
from sboms.search import TooManyVersionsError, find_versions, listings, undecided_of
from supplychain.sboms.differences import Kind

NEWEST = 5
OTHERS = 30
MOST_LICENCES = 12
NEWEST_FIRST = ("-received_at", "-id")
BY_PACKAGE = ("pk",)
KINDS = {
    Kind.ADDED: "Added",
    Kind.REMOVED: "Removed",
    Kind.UPGRADED: "Upgraded",
    Kind.DOWNGRADED: "Downgraded",
    Kind.CHANGED: "Other version",
    Kind.LICENCE: "Other licence",
}
"""In words, as the page of a difference counts them."""


def packages_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the search; without a question, of what can be asked."""
    asked = bool(request.GET.get("name"))
    form = PackageSearch(request.GET if asked else None)
    own = Sbom.objects.filter(project=project)
    return {
        "filter_form": form,
        "reset": reverse("sboms:packages", args=[project.slug]),
        "is_asked": asked,
        "sboms": own.told()[:NEWEST],
        "in_use": own.filter(in_use__upper_inf=True).count(),
        "waiting": own.waiting().count(),
        **(_found(request, project, form) if asked and form.is_valid() else {}),
    }


def _found(request: HttpRequest, project: Project, form: PackageSearch) -> dict[str, Any]:
    query = form.query()
    try:
        found = find_versions([project.pk], query)
    except TooManyVersionsError as error:
        form.add_error("name", str(error))
        return {}
    page = page_of(request, listings(found, query.at), BY_PACKAGE)
    return {
        "rows": page.rows,
        "page": page,
        "summary": f"{len(page.rows)} image{'' if len(page.rows) == 1 else 's'}, by version",
        "undecided": undecided_of(found, query.at),
        "links": _links(request.GET, project),
        "at": form.cleaned_data["at"],
    }


def _links(asked: QueryDict, project: Project) -> dict[str, str]:
    """Return the addresses of the same question to the API."""
    query = asked.copy()
    query.pop("cursor", None)
    query["project"] = project.slug
    api = f"{reverse('api:package-list')}?{query.urlencode()}"
    return {"As JSON": api, "As CSV": f"{api}&format=csv"}


def sboms_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list of bills."""
    own = Sbom.objects.filter(project=project)
    filters = SbomFilter(request.GET, queryset=own.told())
    page = page_of(request, filters.qs if filters.is_valid() else own.none(), NEWEST_FIRST)
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("sboms:sboms", args=[project.slug]),
        "sboms": page.rows,
        "page": page,
        "summary": page.describe("SBOM"),
        "crumbs": _crumbs(project),
    }


def sbom_page(request: HttpRequest, sbom: Sbom) -> dict[str, Any]:
    """Return the context of a bill's page."""
    part = request.GET.get("name", "")
    page = page_of(request, SbomPackage.objects.of(sbom).named(part), BY_NAME)
    shown = f"{len(page.rows)} package{'' if len(page.rows) == 1 else 's'}"
    return {
        "sbom": sbom,
        "part": part,
        "rows": page.rows,
        "page": page,
        "summary": f"{shown} of {sbom.package_count}",
        "licences": licences_of(sbom),
        "others": _others(sbom),
        "crumbs": _crumbs(sbom.project),
    }


def licences_of(sbom: Sbom) -> list[tuple[str, int]]:
    """Return how many packages are under which licence, most first; ``""`` is not said."""
    rows = PackageVersion.objects.filter(listings__sbom=sbom).values_list("licences", flat=True)
    found = Counter(", ".join(licences) for licences in rows).most_common()
    shown, rest = found[:MOST_LICENCES], found[MOST_LICENCES:]
    others = sum(count for _, count in rest)
    return [*shown, (f"{len(rest)} others", others)] if rest else shown


def _others(sbom: Sbom) -> QuerySet[Sbom] | tuple[()]:
    """Return the bills to compare one with: those of its lineage first, its predecessor on top."""
    if sbom.lineage_id is None:
        return ()
    distance = Case(
        When(lineage=sbom.lineage_id, since__lt=sbom.since, then=0),
        When(lineage=sbom.lineage_id, then=1),
        default=2,
    )
    own = Sbom.objects.filter(service=sbom.service_id, lineage__isnull=False).exclude(pk=sbom.pk)
    return own.told().order_by(distance, "-since", "-pk")[:OTHERS]


def difference_page(before: Sbom, after: Sbom) -> dict[str, Any]:
    """Return the context of what changed between two bills."""
    found = compare(before, after)
    api = reverse("api:sbom-diff", args=[after.public_id])
    address = f"{api}?against={before.public_id}"
    return {
        "before": before,
        "after": after,
        "rows": [{"change": change, "label": KINDS[change.kind]} for change in found.changes],
        "counts": _counts(found),
        "links": {"As JSON": address, "As CSV": f"{address}&format=csv"},
        "crumbs": [
            *_crumbs(after.project),
            {"label": after.shown_name, "href": after.get_absolute_url()},
        ],
    }


def _counts(found: Difference) -> list[dict[str, Any]]:
    return [{"label": KINDS[Kind(kind)], "count": count} for kind, count in found.counts.items()]


def sboms_of_builds(project: Project, builds: dict[str, UUID]) -> dict[str, Sbom | None]:
    """Return the newest bill of each build, ``None`` where there is none."""
    own = Sbom.objects.filter(project=project).told()
    return {name: own.filter(build__public_id=build).first() for name, build in builds.items()}


def _crumbs(project: Project) -> list[dict[str, str]]:
    return [
        {"label": "Packages", "href": reverse("sboms:packages", args=[project.slug])},
        {"label": "SBOMs", "href": reverse("sboms:sboms", args=[project.slug])},
    ]
