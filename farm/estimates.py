"""When a queued build will start and how long a running one will take, from history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from builds.models import Build
from builds.querysets import USUAL_BUILDS
from builds.usual import known_median
from farm.models import BuildRequest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request stands in its project's queue; times in seconds, unknown without history."""

    request: BuildRequest
    position: int
    starts_in_seconds: float | None
    lasts_seconds: float | None


def usual_seconds(builds: Iterable[Build]) -> dict[tuple[int, str, str], float]:
    """Return the median wall time of the last succeeded builds by service, variant, environment.

    One query for each different combination that is asked for.
    """
    keys = {usual_key(build) for build in builds}
    found: dict[tuple[int, str, str], float] = {}
    for key in keys:
        service_id, variant, environment = key
        past = Build.objects.succeeded().filter(
            service_id=service_id,
            variant=variant,
            environment=environment,
            wall_seconds__isnull=False,
        )
        walls = list(past.newest_first().values_list("wall_seconds", flat=True)[:USUAL_BUILDS])
        known = known_median(walls)
        if known is not None:
            found[key] = known
    return found


def usual_key(build: Build) -> tuple[int, str, str]:
    """Return what a build has in common with those that it is expected to be like."""
    return build.service_id, build.variant, build.environment


def places(
    queued: Sequence[BuildRequest],
    running_left: Sequence[float | None],
    slots: int,
    usual: dict[tuple[int, str, str], float],
) -> list[Place]:
    """Return where each queued request of one builder stands.

    Slots are given in the order of the queue, each to the request whose turn it is when the
    shortest of the running ones ends. An unknown duration makes all later starts unknown.
    """
    known = [left for left in running_left if left is not None]
    ends: list[float] = [*known, *([0.0] * (slots - len(running_left)))]
    heapify(ends)
    certain = len(known) == len(running_left) and bool(ends)
    found = []
    for position, request in enumerate(queued, 1):
        lasts = usual.get(usual_key(request.build))
        starts = ends[0] if certain else None
        found.append(Place(request, position, starts, lasts))
        if lasts is None:
            certain = False
        elif certain:
            heapreplace(ends, ends[0] + lasts)
    return found
