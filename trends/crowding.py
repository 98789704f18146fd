"""How many builds ran beside others on the same builder."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import reduce
from operator import or_
from statistics import fmean

from django.db.models import Q

from analytics.occupancy import Span
from analytics.occupancy import beside as by_time
from builds.models import Build

LONGEST = timedelta(days=1)
"""Builds that began earlier are not looked for beside others."""


def beside(builds: Sequence[Build]) -> float:
    """Return how many others were on the builder of each, as a mean by time, on average."""
    timed = [build for build in builds if build.started_at and build.completed_at]
    if not timed:
        return 0.0
    around = reduce(or_, map(_around, timed))
    first = min(build.listed_at for build in timed)
    found = Build.objects.filter(
        around, project=timed[0].project_id, listed_at__gte=first - LONGEST
    ).order_by()
    rows = found.values_list("pk", "builder", "started_at", "completed_at")
    there = {
        pk: (name, (start.timestamp(), end.timestamp()))
        for pk, name, start, end in rows
        if start and end
    }
    return fmean(_beside(build.pk, there) for build in timed)


def _around(build: Build) -> Q:
    """Return what finds the builds on a build's builder at that time, and itself."""
    ends_after, begins_before = Q(completed_at__gte=build.started_at), build.completed_at
    return Q(ends_after, builder=build.builder, started_at__lte=begins_before)


def _beside(build: int, there: Mapping[int, tuple[str, Span]]) -> float:
    builder, span = there[build]
    others = [at for pk, (name, at) in there.items() if name == builder and pk != build]
    return by_time([span], others)
