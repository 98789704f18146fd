"""What the pieces say about one build, before it is put together."""

from dataclasses import dataclass, field

from buildkit.limits import Limits
from buildkit.model import (
    BuildStatus,
    BuildWarning,
    Failure,
    Image,
    ResourceSample,
    SourceFile,
    Trace,
)
from buildkit.provenance import Provenance
from buildkit.status import Problems, StatusLog


@dataclass(slots=True)
class Draft:
    """One build in the making; empty and ``None`` mean that no piece has said it yet.

    ``provenances`` are (platform, attestation); ``group`` is the target's name in Bake.
    """

    log: StatusLog
    ref: str = ""
    builder: str = ""
    group: str = ""
    status: BuildStatus | None = None
    started_ns: int | None = None
    completed_ns: int | None = None
    attrs: dict[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    name_hint: str = ""
    failure: Failure | None = None
    warnings: tuple[BuildWarning, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    images: tuple[Image, ...] = ()
    provenances: list[tuple[str, Provenance]] = field(default_factory=list)
    resources: tuple[ResourceSample, ...] = ()
    steps_total: int | None = None
    steps_cached: int | None = None
    trace: Trace | None = None
    console: str = ""

    @property
    def problems(self) -> Problems:
        """Where to note what cannot be read; shared with the status log."""
        return self.log.problems


def new_draft(path: str, limits: Limits) -> Draft:
    """An empty draft that reads from ``path``."""
    return Draft(StatusLog(path, limits))


def split_ref(text: str) -> tuple[str, str]:
    """Builder and reference of ``builder/node/ref``; a bare reference has no builder."""
    parts = text.split("/")
    return (parts[0] if len(parts) > 1 else ""), parts[-1]
