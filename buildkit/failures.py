"""Why a build failed: ``google.rpc.Status`` with BuildKit's typed details."""

from dataclasses import dataclass

from buildkit import wire
from buildkit.limits import Limits
from buildkit.model import Failure, SourceFile, SourceRange
from buildkit.values import (
    Json,
    as_bytes,
    as_dict,
    as_dicts,
    as_int,
    as_text,
    decode,
    load_object,
)

CODE_CANCELED = 1
_SOURCE = "errdefs.Source"
_VERTEX = "errdefs.Vertex"


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A failure and the build definitions that its details carry."""

    failure: Failure
    sources: tuple[SourceFile, ...]


def from_json(status: Json, path: str, limits: Limits) -> FailureReport:
    """Read the status as history records embed it; raises ``ParseError`` for a broken detail."""
    details = [
        (as_text(item.get("type_url")), as_bytes(item.get("value")))
        for item in as_dicts(status.get("details"))
    ]
    return _report(
        as_int(status.get("code")), as_text(status.get("message")), details, path, limits
    )


def from_protobuf(data: bytes | memoryview, path: str, limits: Limits) -> FailureReport:
    """Read the status that newer records keep in a blob of its own."""
    code, message, details = wire.read_error(data, path)
    return _report(code, message, details, path, limits)


def read_ranges(items: list[Json]) -> tuple[SourceRange, ...]:
    """Line ranges; an end that is missing or before the start is the start."""
    ranges: list[SourceRange] = []
    for item in items:
        start = as_int(as_dict(item.get("start")).get("line"))
        end = as_int(as_dict(item.get("end")).get("line"))
        if start is not None and start > 0:
            ranges.append(SourceRange(start, max(start, end or start)))
    return tuple(ranges)


def read_source(info: Json) -> SourceFile:
    """The build definition that an error or a warning points into."""
    return SourceFile(
        filename=as_text(info.get("filename")),
        text=decode(as_bytes(info.get("data"))),
        language=as_text(info.get("language")) or "Dockerfile",
    )


def _report(
    code: int | None,
    message: str,
    details: list[tuple[str, bytes]],
    path: str,
    limits: Limits,
) -> FailureReport:
    """Of several vertices or sources, the failure points at the first."""
    vertex = filename = ""
    ranges: tuple[SourceRange, ...] = ()
    sources: list[SourceFile] = []
    for number, (type_url, value) in enumerate(details):
        place = f"{path}/details[{number}]"
        if _VERTEX in type_url:
            vertex = vertex or as_text(load_object(value, place, limits).get("digest"))
        elif _SOURCE in type_url:
            source = load_object(value, place, limits)
            info = read_source(as_dict(source.get("info")))
            if not sources:
                filename, ranges = info.filename, read_ranges(as_dicts(source.get("ranges")))
            sources.append(info)
    failure = Failure(message, code, vertex, filename, ranges)
    return FailureReport(failure, tuple(dict.fromkeys(sources)))
