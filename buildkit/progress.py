"""``--progress=rawjson``: the status as JSON lines on stderr, mixed with text.

One stream of Bake holds several builds; BuildKit's vertices then carry the target's name in front.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from buildkit.draft import Draft, new_draft
from buildkit.errors import ParseError
from buildkit.failures import read_ranges
from buildkit.limits import Limits
from buildkit.model import (
    BuildStatus,
    BuildWarning,
    Failure,
    LogChunk,
    SourceRange,
    StepKind,
    Transfer,
)
from buildkit.status import StatusLog, Vertex
from buildkit.steps import find_build_start, is_canceled, parse_name
from buildkit.times import parse_time
from buildkit.values import (
    Json,
    as_bytes,
    as_dict,
    as_dicts,
    as_int,
    as_list,
    as_text,
    decode,
    load_json,
)

_KEYS = frozenset({"vertexes", "statuses", "logs", "warnings"})
_ERROR = re.compile(
    r"^ERROR: (?:target (?P<target>[^:\n]+): )?(?:failed to build: )?(?:failed to solve: )?"
    r"(?P<message>.*)",
    re.MULTILINE,
)
_LOCATION = re.compile(r"^(\S.*):(\d{1,9})\n-{4,}$", re.MULTILINE)
_MARKED_LINE = re.compile(r"^ *(\d{1,9}) \| >>> ", re.MULTILINE)


@dataclass(slots=True)
class Stream:
    """A rawjson stream, read: its JSON frames, the text between them, and Bake's targets."""

    frames: list[Json] = field(default_factory=list)
    text: str = ""
    groups: tuple[str, ...] = ()


def read_stream(data: bytes, path: str, limits: Limits) -> Stream:
    """Tell frames from text. Raises ``ParseError`` when there is no frame at all."""
    if len(data) > limits.max_uncompressed_bytes:
        raise ParseError(path, f"{len(data)} bytes, allowed are {limits.max_uncompressed_bytes}")
    stream = Stream()
    text: list[str] = []
    groups: dict[str, None] = {}
    for line in data.splitlines():
        frame = _read_frame(line, path, limits)
        if frame is None:
            text.append(decode(line))
            continue
        stream.frames.append(frame)
        for vertex in as_dicts(frame.get("vertexes")):
            name = as_text(vertex.get("name"))
            if "internal] load build definition" in name and (group := parse_name(name).group):
                groups[group] = None
    if len(groups) > limits.max_targets:
        raise ParseError(path, f"more than {limits.max_targets} targets")
    if not stream.frames:
        raise ParseError(path, "no line is a JSON object of BuildKit's progress")
    stream.text = "\n".join(text)[: limits.max_step_log_bytes].strip("\n")
    stream.groups = tuple(groups)
    return stream


def draft_stream(
    stream: Stream, group: str, *, is_complete: bool, path: str, limits: Limits
) -> Draft:
    """Read one build of a stream; ``group`` is its target in Bake's, empty in a single build's.

    ``is_complete`` says that the build is known to have succeeded, as a metadata file proves.
    """
    draft = new_draft(path, limits)
    draft.group = group
    draft.name_hint = group
    for frame in stream.frames:
        merge_solve_status(_of_group(frame, group) if group else frame, draft.log)
    draft.console = stream.text
    vertices = draft.log.vertices.values()
    draft.started_ns = find_build_start(vertices, None)
    if draft.started_ns is None:
        starts = (vertex.started_ns for vertex in vertices if vertex.started_ns is not None)
        draft.started_ns = min(starts, default=None)
    draft.failure = _failure(draft, stream.text)
    draft.status = _status(draft, is_complete=is_complete)
    if draft.status is not BuildStatus.RUNNING:
        ends = (vertex.completed_ns for vertex in vertices if vertex.completed_ns is not None)
        draft.completed_ns = max(ends, default=None)
    return draft


def merge_solve_status(document: Json, log: StatusLog) -> None:
    """Merge one ``SolveStatus`` as BuildKit's client writes it in JSON."""
    for item in as_dicts(document.get("vertexes")):
        log.add_vertex(
            as_text(item.get("digest")),
            as_text(item.get("name")),
            inputs=[as_text(digest) for digest in as_list(item.get("inputs"))],
            cached=item.get("cached") is True,
            started_ns=parse_time(item.get("started")),
            completed_ns=parse_time(item.get("completed")),
            error=as_text(item.get("error")),
        )
    for item in as_dicts(document.get("statuses")):
        log.add_transfer(as_text(item.get("vertex")), _transfer(item))
    for item in as_dicts(document.get("logs")):
        chunk = LogChunk(
            parse_time(item.get("timestamp")),
            as_int(item.get("stream")) or 0,
            as_bytes(item.get("data")),
        )
        log.add_log(as_text(item.get("vertex")), chunk)
    log.warnings.extend(read_warnings(document.get("warnings")))


def read_warnings(value: object) -> list[BuildWarning]:
    """Warnings in the JSON of streams and of metadata files."""
    return [
        BuildWarning(
            vertex_digest=as_text(item.get("vertex")),
            level=as_int(item.get("level")) or 0,
            short=decode(as_bytes(item.get("short"))),
            detail=tuple(decode(as_bytes(line)) for line in as_list(item.get("detail"))),
            url=as_text(item.get("url")),
            filename=as_text(as_dict(item.get("sourceInfo")).get("filename")),
            ranges=read_ranges(as_dicts(item.get("range"))),
        )
        for item in as_dicts(value)
    ]


def _read_frame(line: bytes, path: str, limits: Limits) -> Json | None:
    if not line.startswith(b"{"):
        return None
    try:
        frame = load_json(line, path, limits)
    except ParseError:
        return None
    return frame if isinstance(frame, dict) and _KEYS & frame.keys() else None


def _transfer(item: Json) -> Transfer:
    return Transfer(
        id=as_text(item.get("id")),
        name=as_text(item.get("name")),
        current=as_int(item.get("current")) or 0,
        total=as_int(item.get("total")) or 0,
        started_ns=parse_time(item.get("started")),
        completed_ns=parse_time(item.get("completed")),
    )


def _of_group(frame: Json, group: str) -> Json:
    """The frame with the vertices of one target only, under the names they have by themselves."""
    vertices = []
    for vertex in as_dicts(frame.get("vertexes")):
        name = as_text(vertex.get("name"))
        if name.startswith(f"[{group}] "):
            vertices.append({**vertex, "name": name.removeprefix(f"[{group}] ")})
        elif name.startswith(f"[{group} "):
            vertices.append({**vertex, "name": "[" + name.removeprefix(f"[{group} ")})
    return {**frame, "vertexes": vertices}


def _failure(draft: Draft, text: str) -> Failure | None:
    """The error that the client printed, else the first one of a step."""
    vertices = [vertex for vertex in draft.log.vertices.values() if _is_fatal(vertex)]
    broken = [vertex for vertex in vertices if not is_canceled(vertex.error)]
    culprit = next(iter(broken or vertices), None)
    match = _ERROR.search(text)
    if match and draft.group and not _is_about(match["target"], draft.group, failed=bool(broken)):
        match, text = None, ""
    message = match["message"] if match else ""
    if culprit is None and (draft.group or not message):
        return None
    location = _LOCATION.search(text)
    lines = [int(number) for number in _MARKED_LINE.findall(text)]
    return Failure(
        message=message or (culprit.error if culprit else ""),
        vertex_digest=culprit.digest if culprit else "",
        filename=location[1] if location else "",
        ranges=(SourceRange(min(lines), max(lines)),) if lines else (),
    )


def _is_fatal(vertex: Vertex) -> bool:
    """Tell whether a vertex's error can end a build: without an imported cache BuildKit goes on."""
    return bool(vertex.error) and parse_name(vertex.name).kind is not StepKind.IMPORT_CACHE


def _is_about(target: str | None, group: str, *, failed: bool) -> bool:
    """Tell whether Bake's error is about a target, and not about one that failed beside it."""
    return target == group if target else failed


def _status(draft: Draft, *, is_complete: bool) -> BuildStatus:
    """How a stream ended; one that stops between two steps is still running.

    A vertex without events counts as open only if no vertex of its name ran: BuildKit merges equal
    work, and the merged vertex stays silent.
    """
    if draft.failure is not None:
        canceled = is_canceled(draft.failure.message)
        return BuildStatus.CANCELED if canceled else BuildStatus.FAILED
    if is_complete:
        return BuildStatus.SUCCEEDED
    vertices = draft.log.vertices.values()
    ended = {vertex.name for vertex in vertices if vertex.completed_ns is not None}
    is_open = any(vertex.is_open or vertex.name not in ended for vertex in vertices)
    return BuildStatus.RUNNING if is_open or not _did_work(ended) else BuildStatus.SUCCEEDED


def _did_work(names: Iterable[str]) -> bool:
    """Whether anything beyond preparation ended: a stream cut early has only prepared."""
    prepared = (StepKind.INTERNAL, StepKind.RESOLVE)
    return any(parse_name(name).kind not in prepared for name in names)
