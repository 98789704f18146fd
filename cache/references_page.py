"""What each cache reference gives and costs over a period."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Q, Sum
from django.http import QueryDict

from accounts.models import Project
from buildkit.model import CACHEABLE_KINDS
from buildkit.registry import canonical
from builds.models import Build, Step
from cache.flags import flags, net_seconds
from cache.forms import PeriodForm
from cache.models import Quarantine, ReferenceDay, ReferenceSize
from cache.periods import Days
from cache.registry_storage import sizes_of
from cache.tabs import cache_tabs

SUMMED = (
    "imports",
    "failed_imports",
    "hit_builds",
    "import_seconds",
    "pull_seconds",
    "saved_seconds",
    "exports",
    "max_exports",
    "export_seconds",
    "crossed_exports",
    "crossed_seconds",
)
LAST_BUILDS = 5
"""Builds of each service whose layers are compared."""


def references_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = PeriodForm(project, query.dict())
    found = told_references(project, form)
    return {
        "tabs": cache_tabs(project, "cache:references"),
        "form": form,
        "period": form.period,
        "references": found,
        "attention": [
            {"reference": row["reference"], "flag": flag} for row in found for flag in row["flags"]
        ],
    }


def told_references(project: Project, form: PeriodForm) -> list[dict[str, Any]]:
    """Return each reference with what its registry holds, if it was asked, and its quarantine."""
    services = [service.pk for service in form.chosen_services]
    sizes = sizes_of(project)
    broken = {item.reference: item for item in Quarantine.objects.filter(project=project)}
    found = references(project, form.period.now, services)
    names = [canonical(row["reference"]) for row in found]
    return [
        row | _held(sizes.get(name), broken.get(name))
        for row, name in zip(found, names, strict=True)
    ]


def _held(held: ReferenceSize | None, broken: Quarantine | None) -> dict[str, Any]:
    names = ("size_bytes", "own_bytes", "made_at", "looked_at")
    return {name: getattr(held, name) if held else None for name in names} | {
        "quarantine": broken,
        "quarantine_reason": broken.reason if broken else None,
    }


def references(project: Project, period: Days, services: Sequence[int]) -> list[dict[str, Any]]:
    """Return each reference's sums, net worth and flags, the costliest first."""
    days = ReferenceDay.objects.filter(project=project, service__in=services).within(*period)
    rows = list(
        days.order_by()
        .values("reference")
        # First, while the name is still that of the column.
        .annotate(exporter_ids=ArrayAgg("service", distinct=True, filter=Q(exports__gt=0)))
        .annotate(
            **{name: Sum(name) for name in SUMMED},
            service_ids=ArrayAgg("service", distinct=True),
            last_import_at=Max("last_import_at"),
            last_export_at=Max("last_export_at"),
        )
    )
    named = any(row["reference"] and row["exports"] for row in rows)
    unnamed = any(not row["reference"] for row in rows)
    names = dict(project.services.values_list("pk", "name"))
    layers = _layers(
        {pk for row in rows if len(row["service_ids"]) > 1 for pk in row["service_ids"]}
    )
    found = [
        _reference(row, names, layers, exports_are_named=named and not unnamed) for row in rows
    ]
    return sorted(found, key=lambda row: (row["net_seconds"], row["reference"]))


def _reference(
    row: Mapping[str, Any],
    names: Mapping[int, str],
    layers: Mapping[int, set[str]],
    *,
    exports_are_named: bool,
) -> dict[str, Any]:
    sums = {
        **row,
        "services": sorted(names[pk] for pk in row["service_ids"]),
        "exporters": len(row["exporter_ids"] or ()),
        "disjoint": [
            (names[one], names[other])
            for one, other in combinations(row["service_ids"], 2)
            if layers.get(one) and layers.get(other) and not layers[one] & layers[other]
        ],
    }
    used = [moment for moment in (row["last_import_at"], row["last_export_at"]) if moment]
    return sums | {
        "net_seconds": net_seconds(sums),
        "last_used_at": max(used, default=None),
        "flags": list(flags(sums, exports_are_named=exports_are_named)) if row["reference"] else [],
    }


def _layers(services: set[int]) -> dict[int, set[str]]:
    """Return the digests of the layers that the last builds of each service made or took."""
    builds: list[Build] = []
    for service in services:
        succeeded = Build.objects.filter(service=service).succeeded().newest_first()
        builds += succeeded.only("service_id", "steps_month")[:LAST_BUILDS]
    steps = Step.objects.filter(
        month__in={build.steps_month for build in builds},
        build__in=builds,
        kind__in=[kind.value for kind in CACHEABLE_KINDS],
    ).exclude(layer_digest="")
    service_of = {build.pk: build.service_id for build in builds}
    found: defaultdict[int, set[str]] = defaultdict(set)
    for build_id, digest in steps.values_list("build_id", "layer_digest"):
        found[service_of[build_id]].add(digest)
    return found
