"""The hash chain: pure functions, so that anybody can check an export without this server."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

GENESIS = "0" * 64
"""``prev_hash`` of the first event of each chain."""

HASHED_FIELDS = (
    "chain",
    "sequence",
    "project_name",
    "actor_type",
    "actor_name",
    "action",
    "target_type",
    "target_id",
    "target_repr",
    "request_id",
    "ip",
    "changes",
    "occurred_at",
    "prev_hash",
)

LARGEST_FLOAT = 10**16
"""Above it Python writes floats with an exponent, and PostgreSQL gives them back as integers."""

_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold, and why."""

    chain: str
    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a chain: the number of an event, and its hash."""

    sequence: int
    hash: str


START = Link(0, GENESIS)
"""What the first event of a chain follows."""


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the JSON that is hashed and signed: keys sorted, no spaces, UTF-8."""
    return _encoder.encode(document).encode()


def hashed_part(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an event its hash is over."""
    return {name: event[name] for name in HASHED_FIELDS}


def event_hash(event: Mapping[str, Any]) -> str:
    """Return SHA-256 over the canonical JSON of ``HASHED_FIELDS``.

    ``occurred_at`` is an ISO 8601 string in UTC.
    """
    return hashlib.sha256(canonical(hashed_part(event))).hexdigest()


def find_break(events: Iterable[Mapping[str, Any]], after: Link = START) -> Break | None:
    """Walk one chain on from a link; return the first break or ``None`` when it holds."""
    previous, expected_sequence = after.hash, after.sequence + 1
    for event in events:
        chain, sequence = str(event["chain"]), int(event["sequence"])
        if sequence != expected_sequence:
            return Break(chain, expected_sequence, f"event {expected_sequence} is missing")
        if event["prev_hash"] != previous:
            return Break(chain, sequence, "it does not follow the event before it")
        if event_hash(event) != event["hash"]:
            return Break(chain, sequence, "its content does not match its hash")
        previous, expected_sequence = str(event["hash"]), sequence + 1
    return None


def storable(value: Any) -> Any:
    """Return a value as JSONB gives it back, so that its hash holds."""
    match value:
        case bool() | int() | None:
            return value
        case str():
            return storable_text(value)
        case float():
            return _storable_number(value)
        case Mapping():
            return {storable_text(str(name)): storable(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [storable(item) for item in items]
    return storable_text(str(value))


def storable_text(text: str) -> str:
    """Return a text without what PostgreSQL or UTF-8 cannot hold, and of no subclass."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _storable_number(number: float) -> Any:
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    if abs(number) >= LARGEST_FLOAT:
        return int(Decimal(repr(number)))
    return number + 0.0
