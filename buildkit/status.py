"""The status of a build, merged from the frames that BuildKit streams.

A frame repeats what it is about: a vertex comes once when it is planned, again at each start and
at each end. The protobuf of a record and the JSON of ``--progress=rawjson`` both end up here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.logs import BoundedLog
from buildkit.model import BuildWarning, LogChunk, Problem, Transfer
from buildkit.times import NANOSECONDS
from buildkit.values import clean


@dataclass(slots=True)
class Vertex:
    """One vertex over all frames; ``starts`` maps each start to its end, if it has come."""

    digest: str
    name: str = ""
    inputs: dict[str, None] = field(default_factory=dict)
    cached: bool = False
    error: str = ""
    starts: dict[int, int | None] = field(default_factory=dict)
    completed_ns: int | None = None
    transfers: dict[str, Transfer] = field(default_factory=dict)
    log: BoundedLog = field(default_factory=BoundedLog)

    @property
    def started_ns(self) -> int | None:
        """The first start."""
        return min(self.starts, default=None)

    @property
    def is_open(self) -> bool:
        """Whether its latest start has no end yet."""
        return bool(self.starts) and self.starts[max(self.starts)] is None


@dataclass(slots=True)
class Problems:
    """What was left out so far; the first ``limit`` are listed and the others counted."""

    limit: int
    listed: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    def add(self, path: str, message: str) -> None:
        """Note one part that was left out."""
        if len(self.listed) < self.limit:
            self.listed.append(Problem(path, message))
        else:
            self.unlisted += 1

    def all(self) -> tuple[Problem, ...]:
        """Everything noted, with a last entry for what was only counted."""
        if not self.unlisted:
            return tuple(self.listed)
        return (*self.listed, Problem("", f"{self.unlisted} further problems"))


class StatusLog:
    """Merges vertices, statuses, logs and warnings; exceeding a limit raises ``ParseError``."""

    def __init__(self, path: str, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.vertices: dict[str, Vertex] = {}
        self.warnings: list[BuildWarning] = []
        self.problems = Problems(limits.max_problems)
        self._edges = 0

    def add_vertex(
        self,
        digest: str,
        name: str,
        *,
        inputs: Sequence[str],
        cached: bool,
        started_ns: int | None,
        completed_ns: int | None,
        error: str,
    ) -> Vertex:
        """Merge one report of a vertex; empty values never overwrite earlier ones."""
        vertex = self.vertices.get(digest)
        if vertex is None:
            if len(self.vertices) >= self.limits.max_vertices:
                raise ParseError(self.path, f"more than {self.limits.max_vertices} vertices")
            vertex = self.vertices[digest] = Vertex(
                clean(digest), log=BoundedLog(self.limits.max_step_log_bytes)
            )
        if name:
            vertex.name = name
        if inputs:
            self._add_inputs(vertex, inputs)
        vertex.cached |= cached
        if error:
            vertex.error = error
        if started_ns is not None:
            self._add_interval(vertex, started_ns, completed_ns)
        if completed_ns is not None:
            vertex.completed_ns = max(completed_ns, vertex.completed_ns or 0)
        return vertex

    def add_transfer(self, vertex_digest: str, transfer: Transfer) -> None:
        """Keep the latest report of a vertex status."""
        vertex = self.vertices.get(vertex_digest)
        if vertex is not None:
            vertex.transfers[transfer.id] = transfer

    def add_log(self, vertex_digest: str, chunk: LogChunk) -> None:
        """Append output to a step; of more than ``max_step_log_bytes``, head and tail are kept."""
        vertex = self.vertices.get(vertex_digest)
        if vertex is None:
            return
        vertex.log.add(chunk)

    def _add_inputs(self, vertex: Vertex, inputs: Sequence[str]) -> None:
        before = len(vertex.inputs)
        vertex.inputs.update(dict.fromkeys(inputs))
        self._edges += len(vertex.inputs) - before
        if self._edges > self.limits.max_edges:
            raise ParseError(self.path, f"more than {self.limits.max_edges} edges")

    def _add_interval(self, vertex: Vertex, started_ns: int, completed_ns: int | None) -> None:
        place = f"{self.path}/{vertex.digest}"
        if completed_ns is not None:
            duration_ns = completed_ns - started_ns
            if duration_ns < 0:
                self.problems.add(place, "completed before it started: interval left out")
                completed_ns = started_ns
            elif duration_ns > self.limits.max_duration_seconds * NANOSECONDS:
                self.problems.add(place, "ran longer than can be: interval left out")
                completed_ns = started_ns
        previous = vertex.starts.get(started_ns)
        if completed_ns is None:
            vertex.starts.setdefault(started_ns, None)
        else:
            vertex.starts[started_ns] = max(completed_ns, previous or 0)
