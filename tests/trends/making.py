"""Series of builds with steps, as they would be recorded."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from builds.models import Build, Service, Step
from builds.partitions import ensure_partition, month_of
from trends.services import mark

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
"""A Monday, whatever day it is: hours of work explain a part of durations."""


class History:
    """Builds of a service, three hours apart; the noise is that of a seed."""

    def __init__(self, service: Service, seed: int = 1, noise: float = 0.04) -> None:
        self.service, self.noise, self.random = service, noise, random.Random(seed)  # noqa: S311
        self.at = FIRST
        self.builds: list[Build] = []

    def add(self, count: int, steps: Mapping[str, float], **fields: Any) -> None:
        """Add builds whose steps take about so many seconds; none at all is from the cache."""
        for _ in range(count):
            self.at += timedelta(hours=3)
            self.builds.append(self.one(self.at, steps, **fields))

    def one(self, at: datetime, steps: Mapping[str, float], **fields: Any) -> Build:
        """Add a build at that time."""
        taken = {
            name: seconds * (1 + self.random.gauss(0, self.noise))
            for name, seconds in steps.items()
        }
        wall = 2 + sum(taken.values())
        ensure_partition(month_of(at))
        values = {
            "project_id": self.service.project_id,
            "service": self.service,
            "listed_at": at,
            "started_at": at,
            "completed_at": at + timedelta(seconds=wall),
            "steps_month": month_of(at),
            "status": Build.Status.SUCCEEDED,
            "wall_seconds": wall,
            "builder": "one",
            "target": "api",
            "cache_state": "partial",
            "revision": f"{len(self.builds):040x}",
        }
        build = Build.objects.create(**values | fields)
        Step.objects.bulk_create(
            self._step(build, position, name, seconds)
            for position, (name, seconds) in enumerate(taken.items())
        )
        mark(self.service.pk, at)
        return build

    def _step(self, build: Build, position: int, name: str, seconds: float) -> Step:
        return Step(
            month=build.steps_month,
            build=build,
            position=position,
            vertex_digest=f"sha256:{position}",
            name=f"[build {position + 1}/9] RUN {name}",
            kind="run",
            state="executed" if seconds else "cached",
            stage="build",
            platform="linux/amd64",
            identity=name,
            inputs=[],
            intervals=[[0.0, seconds]],
            busy_seconds=seconds,
            slack_seconds=0.0,
            critical=True,
            what_if_seconds=seconds,
            dockerfile_name="Dockerfile",
            layer_digest="",
            error="",
        )
