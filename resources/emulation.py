"""What emulation costs a project, from its last builds of several platforms."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Project
from analytics.emulation import Costly, Run, Slowdown, costliest, pairs_of, slowdowns
from buildkit.steps import identify, parse_name, runs_on
from builds.models import Build, Step

DAYS = 28
MOST_BUILDS = 200
"""Newest builds of several platforms that are read, so that a page always costs the same."""

WORST = 10
COLUMNS = (
    "build_id",
    "platform",
    "position",
    "name",
    "state",
    "busy_seconds",
    "baseline_seconds",
)
WEEK_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class WorstStep:
    """A step that emulation costs most, with an address in the newest build that shows it."""

    found: Costly
    name: str
    service: str
    href: str
    seconds_a_week: float


@dataclass(frozen=True, slots=True)
class Emulation:
    """``builds`` of several platforms were read, of the last ``weeks``.

    Of ``unknown_builds`` nobody recorded the builder's platform. ``cross_compiled`` is how many
    runs built for a foreign platform on the builder's own.
    """

    builds: int
    unknown_builds: int
    cross_compiled: int
    weeks: float
    slowdowns: Sequence[Slowdown]
    worst: Sequence[WorstStep]

    @property
    def pairs(self) -> int:
        """Pairs of all platforms."""
        return sum(item.pairs for item in self.slowdowns)

    @property
    def seconds_a_week(self) -> float | None:
        """Busy seconds a week more than natively; unknown without a pair."""
        cost = sum(item.cost_seconds for item in self.slowdowns)
        return cost / self.weeks if self.pairs else None


def emulation_of(project: Project) -> Emulation:
    """Read the builds, and hold emulated steps against native ones."""
    since = timezone.now() - timedelta(days=DAYS)
    several = Build.objects.filter(project=project, listed_at__gte=since, platforms__len__gt=1)
    columns = ("public_id", "service__name", "builder_platform", "steps_month", "listed_at")
    newest = several.newest_first().values("pk", *columns)
    builds = {row["pk"]: row for row in newest[:MOST_BUILDS]}
    known = {pk: row for pk, row in builds.items() if row["builder_platform"]}
    runs, names = _runs(known)
    pairs = pairs_of(runs)
    weeks = _weeks(builds.values(), since)
    return Emulation(
        builds=len(builds),
        unknown_builds=len(builds) - len(known),
        cross_compiled=sum(
            run.platform != run.builder and run.runs_on == run.builder and not run.is_usual
            for run in runs
        ),
        weeks=weeks,
        slowdowns=slowdowns(pairs),
        worst=[_worst(item, names, builds, project, weeks) for item in costliest(pairs, WORST)],
    )


def _weeks(builds: Iterable[Mapping[str, Any]], since: datetime) -> float:
    """Return how many weeks the builds stand for: all, or those since the oldest that is read."""
    times = [row["listed_at"] for row in builds]
    first = min(times) if len(times) == MOST_BUILDS else since
    return max(1.0, (timezone.now() - first).total_seconds() / WEEK_SECONDS)


type Names = dict[tuple[int, str, str], tuple[str, int]]
"""Name and position of a step by build, key and platform."""


def _runs(builds: Mapping[int, Mapping[str, Any]]) -> tuple[list[Run], Names]:
    """Return commands, which alone run code of a platform, that ran or are known from before."""
    rows = Step.objects.filter(
        build_id__in=list(builds), month__in={row["steps_month"] for row in builds.values()}
    )
    groups: defaultdict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in rows.filter(kind="run").order_by("position").values(*COLUMNS):
        groups[row["build_id"], row["platform"]].append(row)
    runs: list[Run] = []
    names: Names = {}
    for (build, platform), steps in groups.items():
        builder, service = builds[build]["builder_platform"], builds[build]["service__name"]
        for row, step in zip(steps, _keys(steps, service), strict=True):
            seconds, is_usual = _seconds(row)
            if seconds is not None:
                on = runs_on(row["name"], platform)
                runs.append(Run(build, step, platform, on, builder, seconds, is_usual))
                names[build, step, platform] = row["name"], row["position"]
    return runs, names


def _seconds(row: Mapping[str, Any]) -> tuple[float | None, bool]:
    """Return what a step took, or what it usually takes where it came from the cache."""
    if row["state"] == "executed":
        return row["busy_seconds"], False
    return (row["baseline_seconds"] if row["state"] == "cached" else None), True


def _keys(steps: Sequence[Mapping[str, Any]], service: str) -> list[str]:
    """Name the steps of one platform as their equals on every other are named, within a service."""
    found = identify([parse_name(step["name"]) for step in steps], [""] * len(steps))
    return [f"{service}\0{identity.key}" for identity in found]


def _worst(
    item: Costly,
    names: Names,
    builds: Mapping[int, Mapping[str, Any]],
    project: Project,
    weeks: float,
) -> WorstStep:
    name, position = names[item.build, item.step, item.platform]
    build = builds[item.build]
    address = Build(public_id=build["public_id"], project=project).get_absolute_url()
    return WorstStep(
        found=item,
        name=name,
        service=build["service__name"],
        href=f"{address}?tab=steps#step-{position}",
        seconds_a_week=item.cost_seconds / weeks,
    )
