"""Hours of builders, made again whenever a build that was there came, changed or went."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from analytics.occupancy import Span, beside, occupancy
from analytics.samples import COLUMNS, Machine, Stretches
from analytics.sketch import weighted_sketch
from builds.locks import try_lock
from builds.models import ResourceSeries
from resources.models import BuilderHour, Stay, WaitingHour

LOCK = 0x7265736F  # the letters "reso": first key of the two-key advisory lock
LOOKED_AT = 20
HOUR = timedelta(hours=1)
SATURATED = 0.9
"""Busy share of the processors from which on builds wait for each other."""

CHANGED = """
INSERT INTO resources_finding (project_id, builder) VALUES (%s, %s)
ON CONFLICT (project_id, builder) DO UPDATE SET version = resources_finding.version + 1
"""

type Machines = dict[int, Machine]
"""What the samples of each build say of the builder, in seconds after the hour's start."""


def roll_up_next() -> bool:
    """Add up one hour that waits and that no other worker has; tell whether there was one."""
    with transaction.atomic():
        waiting = WaitingHour.objects.order_by("-hour", "pk")[:LOOKED_AT]
        row = next(
            (row for row in waiting if try_lock(LOCK, row.project_id, row.builder, row.hour)), None
        )
        if row is None:
            return False
        roll_up(row.project_id, row.builder, row.hour)
        # A build that came meanwhile has counted the version up: its hour still waits.
        WaitingHour.objects.filter(pk=row.pk, version=row.version).delete()
        _mark(row)
    return True


def _mark(row: WaitingHour) -> None:
    """Let what was found of the builder be worked out again."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, [row.project_id, row.builder])


def roll_up(project_id: int, builder: str, hour: datetime) -> None:
    """Make an hour of a builder again, and what its builds are told of each other."""
    there = Stay.objects.on(project_id, builder)
    stays = list(there.during(hour, hour + HOUR).order_by("start", "pk"))
    BuilderHour.objects.filter(project=project_id, builder=builder, hour=hour).delete()
    if not stays:
        return
    machines = _machines(stays, hour)
    around = there.during(min(s.start for s in stays), max(s.end for s in stays))
    _tell(stays, machines, {stay.pk: _span(stay, hour) for stay in around})
    BuilderHour.objects.create(
        project_id=project_id,
        builder=builder,
        hour=hour,
        builds=sum(stay.start >= hour for stay in stays),
        **_occupied([_span(stay, hour) for stay in stays]),
        **_sampled(stays, hour, machines),
        **_totals(stays),
    )


def _span(stay: Stay, hour: datetime) -> Span:
    return (stay.start - hour).total_seconds(), (stay.end - hour).total_seconds()


def _machines(stays: Sequence[Stay], hour: datetime) -> Machines:
    spans = {stay.pk: _span(stay, hour) for stay in stays}
    rows = ResourceSeries.objects.filter(build__in=spans).values("build_id", *COLUMNS)
    found: Machines = {}
    for row in rows.iterator(100):
        begin, end = spans[row["build_id"]]
        during = Machine.of(row).during(end - begin)
        found[row["build_id"]] = during.shifted(begin)
    return found


def _tell(stays: Sequence[Stay], machines: Machines, spans: Mapping[int, Span]) -> None:
    """Note on each build how many others were there, and the memory in use meanwhile."""
    for stay in stays:
        own = spans[stay.pk]
        others = [span for pk, span in spans.items() if pk != stay.pk and _cross(own, span)]
        stay.neighbours, stay.beside = len(others), beside([own], others)
        memory = machines[stay.pk].memory if stay.pk in machines else None
        stay.memory_low_bytes = _whole(memory.lowest if memory else None)
        stay.memory_high_bytes = _whole(memory.highest if memory else None)
    names = ["neighbours", "beside", "memory_low_bytes", "memory_high_bytes"]
    Stay.objects.bulk_update(sorted(stays, key=lambda stay: stay.pk), names, batch_size=500)


def _cross(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _occupied(spans: Sequence[Span]) -> dict[str, Any]:
    found = occupancy(spans, 0.0, HOUR.total_seconds())
    return {
        "busy_seconds": found.busy_seconds,
        "occupied_seconds": found.occupied_seconds,
        "most_at_once": found.most,
    }


def _sampled(stays: Sequence[Stay], hour: datetime, machines: Machines) -> dict[str, Any]:
    """Return what samples say of the hour, each moment once however many builds were there."""
    cpu, memory, disk, network = (
        _united(machines, name) for name in ("cpu", "memory", "disk", "network")
    )
    began = {stay.pk for stay in stays if stay.start >= hour}
    return {
        "sampled_builds": sum(pk in began and bool(len(m.cpu.value)) for pk, m in machines.items()),
        "sampled_seconds": cpu.seconds,
        "cpu_seconds": cpu.total or 0.0,
        "saturated_seconds": cpu.seconds_from(SATURATED),
        "cpu": weighted_sketch(zip(cpu.value, cpu.lengths, strict=True), "ratio"),
        "memory": weighted_sketch(zip(memory.value, memory.lengths, strict=True), "bytes"),
        "memory_peak_bytes": _whole(memory.highest),
        "disk_bytes": _whole(disk.total),
        "network_bytes": _whole(network.total),
    }


def _united(machines: Machines, name: str) -> Stretches:
    several = [getattr(machine, name) for machine in machines.values()]
    return Stretches.united(several).between(0.0, HOUR.total_seconds())


def _totals(stays: Sequence[Stay]) -> dict[str, int | None]:
    rows = ResourceSeries.objects.filter(build__in=[stay.pk for stay in stays])
    ends = rows.aggregate(most=Max("memory_total_bytes"), least=Min("memory_total_bytes"))
    return {"memory_total_bytes": ends["most"], "memory_total_low_bytes": ends["least"]}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
