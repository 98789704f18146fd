"""What a build is, once its records are read.

Times are integer nanoseconds since the Unix epoch in UTC, as BuildKit writes them; durations are
float seconds; sizes are bytes. ``None`` always means "not recorded", never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class BuildStatus(StrEnum):
    """How a recorded build ended; ``RUNNING`` when its end is not in what was read."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class StepState(StrEnum):
    """How a step ended.

    ``SHARED`` is work done by a parallel build of the same builder: neither cached nor run here.
    ``PENDING`` and ``RUNNING`` appear only in streams that stop before the build does.
    """

    PENDING = "pending"
    RUNNING = "running"
    EXECUTED = "executed"
    CACHED = "cached"
    SHARED = "shared"
    CANCELED = "canceled"
    FAILED = "failed"


class StepKind(StrEnum):
    """What a step does, told from its name and, where provenance has it, its operation."""

    FROM = "from"
    RUN = "run"
    COPY = "copy"
    ADD = "add"
    WORKDIR = "workdir"
    HTTP = "http"
    GIT = "git"
    CONTEXT = "context"
    RESOLVE = "resolve"
    IMPORT_CACHE = "import-cache"
    EXPORT_CACHE = "export-cache"
    EXPORT_IMAGE = "export-image"
    ATTESTATION = "attestation"
    INTERNAL = "internal"


CACHEABLE_KINDS = frozenset(
    {StepKind.RUN, StepKind.COPY, StepKind.ADD, StepKind.WORKDIR, StepKind.HTTP, StepKind.GIT}
)
"""Kinds whose result BuildKit can take from a cache; the denominator of our hit ratio."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A vertex status: bytes or items moved inside a step (context upload, layer pull, push)."""

    id: str
    name: str
    current: int
    total: int
    started_ns: int | None
    completed_ns: int | None


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of a step's output; ``stream`` is 1 for stdout and 2 for stderr."""

    timestamp_ns: int | None
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SourceRange:
    """Lines of a Dockerfile, 1-based and inclusive."""

    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class BuildWarning:
    """A warning of a frontend (Dockerfile checks) with the lines it is about."""

    vertex_digest: str
    level: int
    short: str
    detail: tuple[str, ...]
    url: str
    filename: str
    ranges: tuple[SourceRange, ...]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A build definition (Dockerfile) as the frontend read it."""

    filename: str
    text: str
    language: str = "Dockerfile"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a build did not succeed, in BuildKit's words."""

    message: str
    code: int | None = None
    vertex_digest: str = ""
    filename: str = ""
    ranges: tuple[SourceRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """An input from outside, as provenance lists it; ``digest`` is ``algorithm:hex`` or empty."""

    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a result; a size of ``None`` means BuildKit did not know it (it writes -1)."""

    digest: str
    size_bytes: int | None
    media_type: str = ""
    diff_id: str = ""
    created_by: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """One exported result: an image manifest of one platform, or an index over them."""

    digest: str
    platform: str
    media_type: str
    names: tuple[str, ...] = ()
    size_bytes: int | None = None
    config_digest: str = ""
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """Builder-wide use at one moment (provenance ``sysUsage`` or a sampler).

    ``cpu_ratio`` is the busy share of all processors since the previous sample (0-1).
    """

    at_ns: int
    cpu_ratio: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    network_rx_bytes: int | None = None
    network_tx_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class StepUsage:
    """What one step used by its own cgroup, where the builder recorded it."""

    cpu_seconds: float | None = None
    memory_peak_bytes: int | None = None
    disk_read_bytes: int | None = None
    disk_write_bytes: int | None = None
    network_rx_bytes: int | None = None
    network_tx_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A BuildKit vertex, merged over all its frames and understood.

    ``intervals`` are its (started, completed) pairs, merged where they overlap; ``busy_seconds`` is
    their union. ``ordinal`` counts equals (same stage, platform and instruction) from 0, so
    that ``identity`` names the same step in another build although its digest differs.
    ``what_if_seconds`` is how much shorter the critical path would be with this step at zero.
    ``op`` is its operation as provenance has it (``mode=max``), without inputs.
    """

    position: int
    vertex_digest: str
    name: str
    kind: StepKind
    state: StepState
    stage: str
    platform: str
    instruction: str
    ordinal: int
    identity: str
    inputs: tuple[int, ...]
    intervals: tuple[tuple[int, int], ...]
    started_ns: int | None
    completed_ns: int | None
    busy_seconds: float
    slack_seconds: float
    critical: bool
    what_if_seconds: float
    error: str = ""
    dockerfile_name: str = ""
    dockerfile_line: int | None = None
    layer_digest: str = ""
    layer_bytes: int | None = None
    transferred_bytes: int | None = None
    usage: StepUsage | None = None
    op: Mapping[str, Any] | None = None
    transfers: tuple[Transfer, ...] = ()
    log: tuple[LogChunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """Times of a whole build in seconds; formulas in docs/metrics.md.

    ``parallelism`` is the sum of busy times over wall time; ``idle_seconds`` is wall time during
    which no step was busy.
    """

    wall_seconds: float | None
    busy_seconds: float
    critical_path_seconds: float
    parallelism: float | None
    idle_seconds: float | None


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """Cache counts of a build.

    ``steps_total`` and ``steps_cached`` are BuildKit's own, which include internal and ``FROM``
    steps; the ``cacheable_*`` pair counts only steps that could have been cached and that ended.
    """

    steps_total: int
    steps_cached: int
    cacheable_steps: int
    cacheable_cached: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the input that could not be read and was left out, with its place."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class HostTraffic:
    """HTTP requests of the builder to one host; ``refused`` are those answered with 400 or more.

    ``seconds`` are summed over requests, which may have run at once. ``received_bytes`` counts
    bodies whose length was announced.
    """

    host: str
    requests: int
    refused: int
    seconds: float
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What the builder's trace says beside the steps."""

    spans: int
    hosts: tuple[HostTraffic, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """Everything that was read about one build, from one record or from several pieces of it.

    ``console`` is the text that came between the JSON lines of ``--progress=rawjson``.
    ``builder_platform`` is the builder's own, empty where it is not known.
    """

    buildkit_ref: str
    status: BuildStatus
    target: str
    platforms: tuple[str, ...]
    started_ns: int | None
    completed_ns: int | None
    timing: Timing
    cache: CacheCounts
    steps: tuple[Step, ...]
    builder: str = ""
    frontend: str = ""
    frontend_attrs: dict[str, str] = field(default_factory=dict)
    build_args: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    repository_url: str = ""
    revision: str = ""
    name_hint: str = ""
    failure: Failure | None = None
    warnings: tuple[BuildWarning, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    materials: tuple[Material, ...] = ()
    images: tuple[Image, ...] = ()
    resources: tuple[ResourceSample, ...] = ()
    has_provenance: bool = False
    builder_platform: str = ""
    trace: Trace | None = None
    console: str = ""
    problems: tuple[Problem, ...] = ()
