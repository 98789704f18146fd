"""How long each stage and step ran, by day, beside the distributions of their builds."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import F, Value

from analytics.sketch import sketch
from builds.aggregates import Joined
from builds.branches import branch_class
from builds.models import Build, Step
from cache.rollups import builds_of
from trends.days import GROUP
from trends.models import BuildDay, PartDay

BATCH = 5_000

type Key = tuple[int, str, str]
"""A BuildDay, what kind of part, and its name."""


def roll_up_parts(*, service_id: int, day: date, **_: Any) -> None:
    """Make those of a service's day, whose ``BuildDay`` rows were just made again."""
    builds = builds_of(day).filter(service=service_id).order_by()
    rows = builds.annotate(
        joined_platforms=Joined(F("platforms"), Value(",")), branch_class=branch_class()
    ).values("pk", "status", *GROUP)
    by_pk = {row["pk"]: row for row in rows}
    groups = _groups(service_id, day)
    found: defaultdict[Key, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    steps = Step.objects.filter(
        month=day.replace(day=1), build__in=builds, state__in=["executed", "failed"]
    ).order_by()
    for build, stage, identity, seconds in steps.values_list(
        "build_id", "stage", "identity", "busy_seconds"
    ):
        group = groups[tuple(by_pk[build][name] for name in GROUP)]
        found[group, PartDay.Part.STEP, identity][build] += seconds
        if stage:
            found[group, PartDay.Part.STAGE, stage][build] += seconds
    PartDay.objects.bulk_create(
        (_part(key, ran, by_pk) for key, ran in sorted(found.items())), batch_size=BATCH
    )


def _groups(service_id: int, day: date) -> dict[tuple[str, ...], int]:
    names = [name.removeprefix("joined_") for name in GROUP]
    rows = BuildDay.objects.filter(service=service_id, day=day).values_list("pk", *names)
    return {tuple(group): pk for pk, *group in rows}


def _part(key: Key, ran: Mapping[int, float], builds: Mapping[int, Mapping[str, Any]]) -> PartDay:
    """Return what one part did; ``ran`` has its seconds by build."""
    group, part, name = key
    good = [s for build, s in ran.items() if builds[build]["status"] == Build.Status.SUCCEEDED]
    return PartDay(
        build_day_id=group,
        part=part,
        name=name,
        builds=len(ran),
        succeeded=len(good),
        failed=sum(builds[build]["status"] == Build.Status.FAILED for build in ran),
        sketch=sketch(good, "s"),
    )
