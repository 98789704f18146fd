"""What builds waited for and took: of steps, of samples, of the queue, and of later apps."""

from collections import defaultdict
from datetime import date
from typing import Any

from django.db.models import F, Sum

from analytics.samples import COLUMNS, Machine
from builds.models import Build, ResourceSeries, Step
from farm.models import BuildRequest
from trends.models import SampledUse
from trends.signals import measures_asked

AT_ONCE = 200
"""Series that are read at once: they may be long."""

SAMPLED = ("cpu_ratio", "memory_bytes", "disk_bytes", "network_bytes")

type Values = dict[int, dict[str, float]]
"""Metrics by build; what is not known is missing."""


def use_of(builds: Any, day: date) -> Values:
    """Return what is known of each of a day's builds: names of ``trends.metrics.USE``."""
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    own = (_of_steps(builds, day), _of_samples(builds), _of_queue(builds))
    for part in (*own, *_of_others(builds)):
        for build, values in part.items():
            found[build] |= values
    return dict(found)


def _of_steps(builds: Any, day: date) -> Values:
    """Return bytes of contexts that were sent, and processor seconds, where steps have them."""
    steps = Step.objects.filter(month=day.replace(day=1), build__in=builds).order_by()
    sent = steps.filter(kind="context", transferred_bytes__isnull=False).values_list("build_id")
    spent = steps.filter(cpu_seconds__isnull=False).values_list("build_id")
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for build, size in sent.annotate(Sum("transferred_bytes")):
        found[build]["context_bytes"] = size
    for build, seconds in spent.annotate(Sum("cpu_seconds")):
        found[build]["cpu_seconds"] = seconds
    return dict(found)


def _of_samples(builds: Any) -> Values:
    """Return what is kept of each build's samples; those not read yet are read first."""
    rows = ResourceSeries.objects.filter(build__in=builds, build__wall_seconds__isnull=False)
    fresh = rows.filter(use=None).values("build_id", *COLUMNS, wall=F("build__wall_seconds"))
    SampledUse.objects.bulk_create(
        (sampled(row) for row in fresh.iterator(AT_ONCE)), AT_ONCE, ignore_conflicts=True
    )
    known = SampledUse.objects.filter(series__in=rows.values("pk"))
    return {
        build: {
            name: value for name, value in zip(SAMPLED, values, strict=True) if value is not None
        }
        for build, *values in known.values_list("series_id", *SAMPLED)
    }


def sampled(row: Any) -> SampledUse:
    """Return what samples say of their builder during a build of so many seconds, ``wall``."""
    during = Machine.of(row).during(row["wall"])
    return SampledUse(
        series_id=row["build_id"],
        cpu_ratio=during.cpu.mean,
        memory_bytes=during.memory.highest,
        disk_bytes=during.disk.total,
        network_bytes=during.network.total,
    )


def _of_queue(builds: Any) -> Values:
    """Return how long requests waited for a worker; builds of elsewhere have none."""
    requests = BuildRequest.objects.filter(build__in=builds).order_by()
    return {
        build: {"queue_seconds": max(0.0, (claimed - asked).total_seconds())}
        for build, asked, claimed in requests.values_list("build_id", "requested_at", "claimed_at")
        if claimed is not None
    }


def _of_others(builds: Any) -> list[Values]:
    """Return what later apps know."""
    answers: Any = measures_asked.send(Build, builds=builds)
    return [values for _, values in answers]
