"""BuildKit's protobuf: the status blob of a record, and the status of an error.

Message and field numbers are those of ``api/services/control/control.proto``,
``solver/pb/ops.proto`` and ``google/rpc/status.proto``. The descriptor is built from a table, so
that there is neither generated code nor a compile step and the C parser does the work. Text that
people write is declared as ``bytes``, which is the same on the wire: one broken character must not
cost a frame.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import message

from buildkit.errors import ParseError
from buildkit.model import BuildWarning, LogChunk, SourceRange, Transfer
from buildkit.status import StatusLog
from buildkit.times import from_parts
from buildkit.values import clean, decode

if TYPE_CHECKING:
    from google.protobuf import descriptor_pb2

STATUS_MEDIA_TYPE = "application/vnd.buildkit.status.v0"
ERROR_MEDIA_TYPE = "application/vnd.googeapis.google.rpc.status+proto"

_PACKAGE = "buildinsights.wire"
_FRAME_HEADER_BYTES = 4

# Message -> fields as (number, name, type); "*" is repeated, a capital is another message.
_MESSAGES: dict[str, tuple[tuple[int, str, str], ...]] = {
    "Time": ((1, "seconds", "int64"), (2, "nanos", "int32")),
    "Position": ((1, "line", "int32"),),
    "Range": ((1, "start", "Position"), (2, "end", "Position")),
    "SourceInfo": ((1, "filename", "bytes"), (2, "data", "bytes")),
    "Vertex": (
        (1, "digest", "string"),
        (2, "inputs", "string*"),
        (3, "name", "bytes"),
        (4, "cached", "bool"),
        (5, "started", "Time"),
        (6, "completed", "Time"),
        (7, "error", "bytes"),
    ),
    "VertexStatus": (
        (1, "id", "bytes"),
        (2, "vertex", "string"),
        (3, "name", "bytes"),
        (4, "current", "int64"),
        (5, "total", "int64"),
        (7, "started", "Time"),
        (8, "completed", "Time"),
    ),
    "VertexLog": (
        (1, "vertex", "string"),
        (2, "timestamp", "Time"),
        (3, "stream", "int64"),
        (4, "msg", "bytes"),
    ),
    "VertexWarning": (
        (1, "vertex", "string"),
        (2, "level", "int64"),
        (3, "short", "bytes"),
        (4, "detail", "bytes*"),
        (5, "url", "bytes"),
        (6, "info", "SourceInfo"),
        (7, "ranges", "Range*"),
    ),
    "StatusResponse": (
        (1, "vertexes", "Vertex*"),
        (2, "statuses", "VertexStatus*"),
        (3, "logs", "VertexLog*"),
        (4, "warnings", "VertexWarning*"),
    ),
    "Any": ((1, "type_url", "bytes"), (2, "value", "bytes")),
    "Status": ((1, "code", "int32"), (2, "message", "bytes"), (3, "details", "Any*")),
}


def read_status(data: bytes | memoryview, log: StatusLog) -> None:
    """Merge a status blob: frames of a 4-byte little-endian length and a ``StatusResponse``.

    A broken frame ends the reading: what came before it is kept and the frame is a problem. With
    no good frame before it, raises ``ParseError``.
    """
    for response in _frames(data, log):
        _merge(response, log)


def read_error(data: bytes | memoryview, path: str) -> tuple[int, str, list[tuple[str, bytes]]]:
    """Code, message and (type URL, value) details of a ``google.rpc.Status``."""
    status = message_classes()["Status"]()
    try:
        status.ParseFromString(bytes(data))
    except message.DecodeError as error:
        raise ParseError(path, f"broken error status: {error}") from error
    details = [(decode(detail.type_url), detail.value) for detail in status.details]
    return status.code, decode(status.message), details


def _frames(data: bytes | memoryview, log: StatusLog) -> Iterator[Any]:
    response_class = message_classes()["StatusResponse"]
    view = memoryview(data)
    offset = number = 0
    while offset < len(view):
        start = offset + _FRAME_HEADER_BYTES
        end = start + int.from_bytes(view[offset:start], "little")
        response = response_class()
        try:
            if start > len(view) or end > len(view):
                raise message.DecodeError("truncated")
            response.ParseFromString(view[start:end])
        except message.DecodeError:
            place = f"{log.path}/status/frame {number}"
            if number == 0:
                raise ParseError(place, f"broken frame at byte {offset}") from None
            log.problems.add(place, f"broken frame at byte {offset}: the rest is left out")
            return
        yield response
        offset = end
        number += 1


def _merge(response: Any, log: StatusLog) -> None:
    for vertex in response.vertexes:
        log.add_vertex(
            vertex.digest,
            decode(vertex.name),
            inputs=vertex.inputs,
            cached=vertex.cached,
            started_ns=_time(vertex.started),
            completed_ns=_time(vertex.completed),
            error=decode(vertex.error),
        )
    for status in response.statuses:
        transfer = Transfer(
            id=decode(status.id),
            name=decode(status.name),
            current=status.current,
            total=status.total,
            started_ns=_time(status.started),
            completed_ns=_time(status.completed),
        )
        log.add_transfer(status.vertex, transfer)
    for entry in response.logs:
        stamp = entry.timestamp
        at_ns = from_parts(stamp.seconds, stamp.nanos)
        log.add_log(entry.vertex, LogChunk(at_ns, entry.stream, entry.msg))
    log.warnings.extend(_warning(warning) for warning in response.warnings)


def _warning(warning: Any) -> BuildWarning:
    return BuildWarning(
        vertex_digest=clean(warning.vertex),
        level=warning.level,
        short=decode(warning.short),
        detail=tuple(decode(line) for line in warning.detail),
        url=decode(warning.url),
        filename=decode(warning.info.filename),
        ranges=tuple(SourceRange(item.start.line, item.end.line) for item in warning.ranges),
    )


def _time(value: Any) -> int | None:
    return from_parts(value.seconds, value.nanos)


@cache
def message_classes() -> dict[str, Any]:
    # Imported here: it takes a quarter of a second, and most builds need no protobuf.
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="buildinsights/wire.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        descriptor = file.message_type.add(name=name)
        for number, field_name, type_name in fields:
            _add_field(descriptor, number, field_name, type_name)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def _add_field(
    descriptor: "descriptor_pb2.DescriptorProto", number: int, name: str, type_name: str
) -> None:
    base = type_name.removesuffix("*")
    field = descriptor.field.add(name=name, number=number)
    field.label = field.LABEL_OPTIONAL if base == type_name else field.LABEL_REPEATED
    if base in _MESSAGES:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{base}"
    else:
        field.type = field.Type.Value(f"TYPE_{base.upper()}")
