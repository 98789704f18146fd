"""Sums by day, made again from the builds, steps and reasons of a day whenever one changed.

Whatever came late, was corrected or deleted, the sums are those of what there is now.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, FloatField, Max, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from buildkit.model import CACHEABLE_KINDS
from builds.aggregates import Joined, Median
from builds.branches import branch_class
from builds.locks import try_lock
from builds.models import Build, Step
from builds.postponing import attempt, is_due
from builds.querysets import BuildQuerySet
from cache.economics import roll_up_references
from cache.models import CacheDay, MissDay, StaleDay, StepDay, StepReason
from cache.signals import day_added_up

LOCK = 0x63616368  # the letters "cach": first key of the two-key advisory lock
LOOKED_AT = 20
"""Stale days that a worker looks at for one that no other worker has."""

CACHED = Q(state="cached")
RAN = Q(state__in=["executed", "failed"])
GROUP = ("target", "variant", "platforms", "branch_class", "builder")
NONE = Value(0.0, output_field=FloatField())


def roll_up_next() -> bool:
    """Make the sums of a project's stale day again; tell whether there was one to make."""
    with transaction.atomic():
        due = StaleDay.objects.filter(is_due())
        stale = due.select_related("service").order_by("-day", "pk")[:LOOKED_AT]
        first = next(
            (row for row in stale if try_lock(LOCK, row.service.project_id, row.day)), None
        )
        if first is None:
            return False
        project_id = first.service.project_id
        # In the order in which those lock them that mark the day of several services.
        rows = list(due.filter(service__project=project_id, day=first.day).order_by("service_id"))
        made = {row.pk for row in rows if attempt(row, roll_up, row.service_id, row.day)}
        builds = builds_of(first.day).filter(project=project_id)
        if not attempt(first, roll_up_references, project_id, builds, first.day):
            made.clear()
        for row in rows:
            if row.pk in made:
                # A build that came meanwhile has counted the version up: its day stays stale.
                StaleDay.objects.filter(pk=row.pk, version=row.version).delete()
            else:
                row.put_off()
    return True


def builds_of(day: date) -> BuildQuerySet:
    """Return the ended builds that count to a day."""
    start = datetime.combine(day, time(), UTC)
    return Build.objects.for_period(start, start + timedelta(days=1)).finished()


def roll_up(service_id: int, day: date) -> None:
    """Make the sums of a service's day again."""
    builds = builds_of(day).filter(service=service_id).order_by()
    steps = Step.objects.filter(
        month=day.replace(day=1),
        build__in=builds,
        kind__in=[kind.value for kind in CACHEABLE_KINDS],
    ).order_by()
    at = {"service_id": service_id, "day": day}
    for model in (CacheDay, StepDay, MissDay):
        model.objects.filter(**at).delete()
    CacheDay.objects.bulk_create(CacheDay(**at, **row) for row in _groups(builds, steps))
    StepDay.objects.bulk_create(StepDay(**at, **row) for row in _by_step(steps))
    MissDay.objects.bulk_create(MissDay(**at, **row) for row in _misses(builds))
    day_added_up.send(MissDay, service_id=service_id, day=day)


def _groups(builds: BuildQuerySet, steps: Any) -> list[dict[str, Any]]:
    """Return a row for each homogeneous group of builds."""
    counted = builds.annotate(**_group_by()).values(*_GROUP_COLUMNS)
    rows = counted.annotate(
        builds=Count("pk"),
        cold_builds=Count("pk", filter=Q(cache_state="cold")),
        partial_builds=Count("pk", filter=Q(cache_state="partial")),
        warm_builds=Count("pk", filter=Q(cache_state="warm")),
        steps=Sum("cacheable_steps"),
        hits=Sum("cacheable_cached"),
    )
    weighed = (
        steps.annotate(**_group_by("build__"))
        .values(*_GROUP_COLUMNS)
        .annotate(
            saved_seconds=Coalesce(Sum("baseline_seconds", filter=CACHED), NONE),
            executed_seconds=Coalesce(Sum("busy_seconds", filter=RAN), NONE),
            unweighed_steps=Count("position", filter=CACHED & Q(baseline_seconds=None)),
        )
    )
    worth: defaultdict[tuple[str, ...], Mapping[str, Any]] = defaultdict(dict)
    for row in weighed:
        worth[_key(row)] = row
    return [_group(row, worth[_key(row)]) for row in rows]


_GROUP_COLUMNS = tuple(f"its_{name}" for name in GROUP)
"""Names that no field of a build or a step has."""


def _group_by(path: str = "") -> dict[str, Any]:
    return {
        "its_target": F(f"{path}target"),
        "its_variant": F(f"{path}variant"),
        "its_platforms": Joined(F(f"{path}platforms"), Value(", ")),
        "its_branch_class": branch_class(path),
        "its_builder": F(f"{path}builder"),
    }


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _GROUP_COLUMNS)


def _group(row: Mapping[str, Any], worth: Mapping[str, Any]) -> dict[str, Any]:
    counts = ("builds", "cold_builds", "partial_builds", "warm_builds")
    return {
        **{name: row[f"its_{name}"] for name in GROUP},
        **{name: row[name] for name in counts},
        "cacheable_steps": row["steps"],
        "cached_steps": row["hits"],
        "saved_seconds": worth.get("saved_seconds", 0.0),
        "executed_seconds": worth.get("executed_seconds", 0.0),
        "unweighed_steps": worth.get("unweighed_steps", 0),
    }


def _by_step(steps: Any) -> Any:
    return steps.values("identity").annotate(
        hits=Count("position", filter=CACHED),
        misses=Count("position", filter=RAN),
        saved_seconds=Coalesce(Sum("baseline_seconds", filter=CACHED), NONE),
        executed_seconds=Coalesce(Sum("busy_seconds", filter=RAN), NONE),
        median_seconds=Median("busy_seconds", filter=RAN),
        last_build=Max("build_id"),
    )


def _misses(builds: BuildQuerySet) -> Any:
    """Return why steps ran; the first step of a chain is looked up beside each."""
    first = StepReason.objects.filter(build_id=OuterRef("build_id"), position=OuterRef("first"))
    reasons = StepReason.objects.filter(build__in=builds).order_by()
    return (
        reasons.annotate(
            first_identity=Coalesce(Subquery(first.values("identity")), Value("")),
            first_cause=Coalesce(Subquery(first.values("cause")), F("cause")),
        )
        .values("identity", "cause", "first_identity", "first_cause")
        .annotate(misses=Count("position"), lost_seconds=Sum("seconds"), last_build=Max("build_id"))
    )
