"""How long each stage and step ran, by day, beside the distributions of their builds."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from analytics.sketch import sketch
from builds.models import Build, Step
from builds.querysets import BuildQuerySet
from trends.models import BuildDay, PartDay

BATCH = 5_000

type Key = tuple[int, str, str]
"""A BuildDay, what kind of part, and its name."""


def add_parts(
    builds: BuildQuerySet, day: date, statuses: Mapping[int, tuple[BuildDay, str]]
) -> None:
    """Make the parts of a day's rows; of each build ``statuses`` has its row and its status.

    A build that came since these were read is left out: its day is made again anyway.
    """
    found: defaultdict[Key, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    steps = Step.objects.filter(
        month=day.replace(day=1), build__in=builds, state__in=["executed", "failed"]
    ).order_by()
    for build, stage, identity, seconds in steps.values_list(
        "build_id", "stage", "identity", "busy_seconds"
    ):
        if build not in statuses:
            continue
        group = statuses[build][0].pk
        found[group, PartDay.Part.STEP, identity][build] += seconds
        if stage:
            found[group, PartDay.Part.STAGE, stage][build] += seconds
    PartDay.objects.bulk_create(
        (_part(key, ran, statuses) for key, ran in sorted(found.items())), batch_size=BATCH
    )


def _part(
    key: Key, ran: Mapping[int, float], statuses: Mapping[int, tuple[BuildDay, str]]
) -> PartDay:
    """Return what one part did; ``ran`` has its seconds by build."""
    group, part, name = key
    good = [s for build, s in ran.items() if statuses[build][1] == Build.Status.SUCCEEDED]
    return PartDay(
        build_day_id=group,
        part=part,
        name=name,
        builds=len(ran),
        succeeded=len(good),
        failed=sum(statuses[build][1] == Build.Status.FAILED for build in ran),
        sketch=sketch(good, "s"),
    )
