"""The OpenTelemetry trace of a record: what the builder asked of registries, and how long it took.

The trace is one JSON object after the other, as the Go SDK's stdout exporter writes spans. Of these
only the HTTP requests tell what no other part of a record does. Their headers are not read: those
may hold tokens.
"""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import HostTraffic, Trace
from buildkit.times import parse_time, seconds_between
from buildkit.values import Json, as_dict, as_dicts, as_int, as_text, decode

MEDIA_TYPE = "application/vnd.buildkit.otlp.json.v0"

_REQUEST = "HTTP "
"""Begins the names of spans of the HTTP transport; the resolver's own spans only wrap those."""

_URL = ("url.full", "http.url")
_STATUS = ("http.response.status_code", "http.status_code")
_LENGTH = ("http.response.body.size", "http.response_content_length")
"""Attribute names by OpenTelemetry's semantic conventions, today's and the former."""


def read_trace(blob: bytes | memoryview, path: str, limits: Limits) -> Trace:
    """Read a trace; hosts come in the order of their time, longest first.

    Raises:
        ParseError: it is not JSON or larger than allowed.
    """
    spans = 0
    hosts: dict[str, HostTraffic] = {}
    for span in _spans(blob, path, limits):
        spans += 1
        found = _request(span) if as_text(span.get("Name")).startswith(_REQUEST) else None
        if found:
            known = hosts.get(found.host)
            hosts[found.host] = _sum(known, found) if known else found
    return Trace(spans, tuple(sorted(hosts.values(), key=lambda host: -host.seconds)))


def _spans(blob: bytes | memoryview, path: str, limits: Limits) -> Iterator[Json]:
    if len(blob) > limits.max_json_bytes:
        raise ParseError(path, f"{len(blob)} bytes, allowed are {limits.max_json_bytes}")
    text = decode(bytes(blob))
    decoder, position = json.JSONDecoder(), 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            span, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise ParseError(path, f"not JSON at character {position}") from error
        yield as_dict(span)


def _request(span: Json) -> HostTraffic | None:
    attributes = {
        as_text(item.get("Key")): as_dict(item.get("Value")).get("Value")
        for item in as_dicts(span.get("Attributes"))
    }
    host = _host(as_text(_first(attributes, _URL)))
    started, ended = parse_time(span.get("StartTime")), parse_time(span.get("EndTime"))
    if not host or started is None or ended is None or ended < started:
        return None
    status = as_int(_first(attributes, _STATUS)) or 0
    received = max(0, as_int(_first(attributes, _LENGTH)) or 0)
    return HostTraffic(host, 1, int(status >= 400), seconds_between(started, ended), received)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "")[:255] if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _first(attributes: dict[str, object], names: tuple[str, ...]) -> object:
    return next((attributes[name] for name in names if name in attributes), None)


def _sum(one: HostTraffic, other: HostTraffic) -> HostTraffic:
    return HostTraffic(
        one.host,
        one.requests + other.requests,
        one.refused + other.refused,
        one.seconds + other.seconds,
        one.received_bytes + other.received_bytes,
    )
