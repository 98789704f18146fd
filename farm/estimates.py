"""When a queued build will start and how long a running one will take, from history."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from statistics import median

from django.db import connection

from builds.models import Build
from builds.querysets import USUAL_BUILDS
from farm.models import BuildRequest

LAST = """
SELECT asked.*, past.wall_seconds
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS asked (service_id, variant, environment)
CROSS JOIN LATERAL (
    SELECT wall_seconds FROM builds_build
    WHERE status = 'succeeded' AND wall_seconds IS NOT NULL AND service_id = asked.service_id
        AND variant = asked.variant AND environment = asked.environment
    ORDER BY listed_at DESC, id DESC
    LIMIT %s
) AS past
"""
"""The wall times of the last succeeded builds of each combination."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request stands in its project's queue; times in seconds, unknown without history."""

    request: BuildRequest
    position: int
    starts_in_seconds: float | None
    lasts_seconds: float | None


def usual_seconds(builds: Iterable[Build]) -> dict[tuple[int, str, str], float]:
    """Return the median wall time of the last succeeded builds by service, variant, environment.

    One query, however many are asked for.
    """
    keys = {usual_key(build) for build in builds}
    if not keys:
        return {}
    walls: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(LAST, [*map(list, zip(*keys, strict=True)), USUAL_BUILDS])
        for *key, wall in cursor:
            walls[tuple(key)].append(wall)
    return {key: median(times) for key, times in walls.items()}


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
