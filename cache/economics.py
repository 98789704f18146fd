"""What each cache reference gave and cost on a day, from the steps that import and export it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Sum

from buildkit.bake import CacheSpec, read_cache_spec
from buildkit.model import CACHEABLE_KINDS, StepKind
from builds.models import Build, Step
from builds.querysets import BuildQuerySet
from cache.models import ReferenceDay

IMPORT = re.compile(r"^importing cache manifest from (?P<reference>\S+)$")
EXPORT = "exporting cache to registry"
UNNAMED = CacheSpec("registry")
"""Where an export went of which the sender did not say."""

REFERENCE_LENGTH = 500


@dataclass(slots=True)
class Traffic:
    """One build's imports, exports and what its cached steps took; seconds."""

    build: Build
    imports: list[Mapping[str, Any]] = field(default_factory=list)
    exports: list[Mapping[str, Any]] = field(default_factory=list)
    pull_seconds: float = 0.0


def roll_up_references(project_id: int, builds: BuildQuerySet, day: date) -> None:
    """Make the sums of a project's references of a day again from its builds of that day."""
    traffic = list(_traffic(builds, day))
    ReferenceDay.objects.filter(project=project_id, day=day).delete()
    ReferenceDay.objects.bulk_create(
        ReferenceDay(
            project_id=project_id, day=day, service_id=service, reference=reference, **sums
        )
        for (service, reference), sums in summed(traffic).items()
    )


def _traffic(builds: BuildQuerySet, day: date) -> Iterable[Traffic]:
    """Return the builds that imported or exported a cache."""
    steps = Step.objects.filter(month=day.replace(day=1), build__in=builds.order_by()).order_by()
    moved = steps.filter(kind__in=[StepKind.IMPORT_CACHE.value, StepKind.EXPORT_CACHE.value])
    columns = ("build_id", "kind", "name", "busy_seconds", "error", "started_at", "completed_at")
    rows = list(moved.values(*columns))
    known = Build.objects.only(
        "service_id", "listed_at", "cache_to", "time_saved_seconds", "cacheable_cached"
    ).in_bulk({row["build_id"] for row in rows})
    found = {pk: Traffic(build) for pk, build in known.items()}
    for row in rows:
        is_import = row["kind"] == StepKind.IMPORT_CACHE.value
        traffic = found[row["build_id"]]
        (traffic.imports if is_import else traffic.exports).append(row)
    cached = steps.filter(
        build__in=list(found), state="cached", kind__in=[kind.value for kind in CACHEABLE_KINDS]
    )
    for build_id, seconds in cached.values_list("build_id").annotate(Sum("busy_seconds")):
        found[build_id].pull_seconds = seconds
    return found.values()


type Sums = dict[tuple[int, str], dict[str, Any]]


def summed(traffic: Sequence[Traffic]) -> Sums:
    """Return the columns of ``ReferenceDay`` by service and reference."""
    sums: Sums = defaultdict(lambda: defaultdict(int))
    crossed = crossing(_spans(traffic))
    for item in traffic:
        _add_imports(sums, item)
        _add_exports(sums, item, is_crossed=item.build.pk in crossed)
    return sums


def _add_imports(sums: Sums, item: Traffic) -> None:
    """Add a build's imports; what it saved is shared out evenly between those that succeeded."""
    named = [(found["reference"], row) for row in item.imports if (found := _imported(row))]
    used = sum(not row["error"] for _, row in named)
    for reference, row in named:
        row_sums = sums[item.build.service_id, reference[:REFERENCE_LENGTH]]
        row_sums["import_seconds"] += row["busy_seconds"]
        if row["error"]:
            row_sums["failed_imports"] += 1
            continue
        row_sums["imports"] += 1
        row_sums["hit_builds"] += item.build.cacheable_cached > 0
        row_sums["saved_seconds"] += (item.build.time_saved_seconds or 0.0) / used
        row_sums["pull_seconds"] += item.pull_seconds / used
        row_sums["last_import_at"] = _later(row_sums.get("last_import_at"), item.build.listed_at)


def _imported(row: Mapping[str, Any]) -> re.Match[str] | None:
    return IMPORT.match(row["name"])


def _add_exports(sums: Sums, item: Traffic, *, is_crossed: bool) -> None:
    """Add a build's exports; their seconds are shared out evenly between its references."""
    seconds = sum(row["busy_seconds"] for row in item.exports if row["name"] == EXPORT)
    if not any(row["name"] == EXPORT for row in item.exports):
        return
    specs = registry_exports(item.build.cache_to) or [UNNAMED]
    for spec in specs:
        row_sums = sums[item.build.service_id, spec.reference[:REFERENCE_LENGTH]]
        row_sums["exports"] += 1
        row_sums["max_exports"] += spec.values.get("mode") == "max"
        row_sums["export_seconds"] += seconds / len(specs)
        row_sums["crossed_exports"] += is_crossed
        row_sums["crossed_seconds"] += seconds / len(specs) if is_crossed else 0.0
        row_sums["last_export_at"] = _later(row_sums.get("last_export_at"), item.build.listed_at)


def registry_exports(cache_to: str) -> list[CacheSpec]:
    """Return the registry references of a build's ``cache_to``."""
    specs = map(read_cache_spec, cache_to.splitlines())
    return [spec for spec in specs if spec.reference]


type Span = tuple[datetime, datetime, int]
"""Start and end of an export, and the build's key."""


def _spans(traffic: Iterable[Traffic]) -> Iterator[Span]:
    for item in traffic:
        for row in item.exports:
            if row["started_at"] and row["completed_at"]:
                yield row["started_at"], row["completed_at"], item.build.pk


def crossing(spans: Iterable[Span]) -> set[int]:
    """Return the builds that exported while another build did."""
    found: set[int] = set()
    active: list[Span] = []
    for span in sorted(spans):
        start, _, build_id = span
        active = [other for other in active if other[1] > start]
        others = {other[2] for other in active} - {build_id}
        if others:
            found |= others | {build_id}
        active.append(span)
    return found


def _later(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one else other
