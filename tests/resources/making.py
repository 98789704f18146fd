"""Builds on a builder, as they would be recorded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from builds.models import Build, ResourceSeries, Service, Step
from builds.partitions import ensure_partition, month_of
from resources.hours import roll_up_next
from resources.models import WaitingHour
from resources.services import note

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MB = 10**6
COUNTERS = ("disk_read_bytes", "disk_write_bytes", "network_rx_bytes", "network_tx_bytes")


def on_builder(service: Service, start: datetime, seconds: float, **fields: Any) -> Build:
    """A succeeded build, noted as its recording does."""
    ensure_partition(month_of(start))
    values = {
        "project_id": service.project_id,
        "service": service,
        "builder": "one",
        "listed_at": start,
        "started_at": start,
        "completed_at": start + timedelta(seconds=seconds),
        "wall_seconds": seconds,
        "steps_month": month_of(start),
        "status": Build.Status.SUCCEEDED,
        "target": "api",
        "cache_state": "cold",
    }
    build = Build.objects.create(**values | fields)
    note(build=build)
    return build


def with_steps(build: Build, steps: Mapping[str, float]) -> Build:
    """Steps that ran one after the other from the start of the build."""
    begin = 0.0
    for position, (identity, seconds) in enumerate(steps.items()):
        Step.objects.create(
            month=build.steps_month,
            build=build,
            position=position,
            vertex_digest=f"sha256:{position}",
            name=f"RUN {identity}",
            kind="run",
            state="executed",
            stage="",
            platform="",
            identity=identity,
            inputs=[],
            intervals=[[begin, begin + seconds]],
            busy_seconds=seconds,
            slack_seconds=0.0,
            critical=True,
            what_if_seconds=seconds,
            dockerfile_name="",
            layer_digest="",
            error="",
        )
        begin += seconds
    return build


def with_samples(
    build: Build,
    offsets: Sequence[float],
    cpu: Sequence[float | None] | None = None,
    memory: Sequence[int | None] | None = None,
    total: int | None = 1000 * MB,
    **counters: Sequence[int | None],
) -> Build:
    """Samples of the build's builder; what is left out was not measured."""
    unknown: list[None] = [None] * len(offsets)
    ResourceSeries.objects.create(
        build=build,
        offsets_seconds=list(offsets),
        cpu_ratio=list(cpu or unknown),
        memory_used_bytes=list(memory or unknown),
        memory_total_bytes=total,
        **{name: list(counters.get(name, unknown)) for name in COUNTERS},
    )
    return build


def settled() -> None:
    """Add up all hours that wait."""
    while roll_up_next():
        pass
    assert not WaitingHour.objects.exists()
