"""What is watched of builds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from buildinsights.templatetags.formats import duration, filesize, ratio

MIXED = {"cache_hit": "cache states", "runner": "builders", "branch": "branches"}
"""Covariates of builds in words."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of builds: its unit, ``s``, ``bytes`` or ``ratio``, and how it is said."""

    name: str
    label: str
    unit: str
    shown: Callable[[float | None], Any]
    less_is_better: bool = True
    slight: float = 0.0
    """A change by less is nobody's concern, however sure it is: in the unit of the metric."""
    moved_by: tuple[str, ...] = ()
    """What moves a build's value although nothing of the service has changed: names of covariates.
    Not what could not: where one of them changes with the level, it would take a part of that."""
    counted: str = ""
    """Which builds have a value, if that is not plain."""
    missing: str = ""
    """Why none may have one, and what to do about it."""

    @property
    def mix(self) -> str:
        """What moves it, in words."""
        *first, last = (MIXED[name] for name in self.moved_by)
        return f"{', '.join(first)} and {last}" if first else last

    def worse(self, direction: int) -> bool:
        """Tell whether a change up (1) or down (-1) is one for the worse."""
        return (direction > 0) is self.less_is_better


WORK = {
    "context_seconds": ("context",),
    "pull_seconds": ("from",),
    "run_seconds": ("run",),
    "copy_seconds": ("copy", "add", "workdir"),
    "export_seconds": ("export-image",),
    "cache_seconds": ("import-cache", "export-cache"),
}
"""Kinds of steps whose busy seconds are added up a build."""

USE = (
    "queue_seconds",
    "context_bytes",
    "cpu_seconds",
    "cpu_ratio",
    "memory_bytes",
    "disk_bytes",
    "network_bytes",
    "image_uncompressed_bytes",
)
"""What is known of builds beside their columns; unknown where it was not recorded or read."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "wall_seconds",
            "Wall time",
            "s",
            duration,
            slight=0.5,
            moved_by=("cache_hit", "runner", "branch"),
        ),
        Metric(
            "image_bytes", "Image size", "bytes", filesize, slight=100_000, moved_by=("branch",)
        ),
        Metric(
            "hit_ratio_time",
            "Cache hits by time",
            "ratio",
            ratio,
            less_is_better=False,
            moved_by=("runner", "branch"),
        ),
    )
}
"""Metrics whose level is watched."""


def _times(value: float | None) -> Any:
    return duration(None) if value is None else f"{value:.2f} ×"


TRENDS: Mapping[str, Metric] = {
    **METRICS,
    **{
        metric.name: metric
        for metric in (
            Metric("critical_path_seconds", "Critical path", "s", duration),
            Metric("busy_seconds", "Busy time of all steps", "s", duration),
            Metric("idle_seconds", "Idle time", "s", duration),
            Metric("parallelism", "Parallelism", "x", _times, less_is_better=False),
            Metric("context_seconds", "Sending the context", "s", duration),
            Metric("pull_seconds", "Pulling bases", "s", duration),
            Metric("run_seconds", "Running commands", "s", duration),
            Metric("copy_seconds", "Copying files", "s", duration),
            Metric("export_seconds", "Exporting images", "s", duration),
            Metric("cache_seconds", "Importing and exporting caches", "s", duration),
            Metric("queue_seconds", "Waiting in the queue", "s", duration),
            Metric("context_bytes", "Context sent", "bytes", filesize),
            Metric("cpu_seconds", "Processor time of steps", "s", duration),
            Metric("cpu_ratio", "Busy share of the builder", "ratio", ratio),
            Metric("memory_bytes", "Memory in use on the builder", "bytes", filesize),
            Metric("disk_bytes", "Disk traffic of the builder", "bytes", filesize),
            Metric("network_bytes", "Network traffic of the builder", "bytes", filesize),
            Metric(
                "image_uncompressed_bytes",
                "Image size, uncompressed",
                "bytes",
                filesize,
                counted="Only builds whose image was read layer by layer count.",
                missing="None of these builds has a value: the server reads the layers of the "
                "newest image of each target, variant and platform, once CACHE_REGISTRIES names "
                "the registry that it was pushed to.",
            ),
        )
    },
}
"""Metrics that are shown over time."""
