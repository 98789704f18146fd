"""The hash chain: pure functions, so that anybody can check an export without this server."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold, and why."""

    chain: str
    sequence: int
    reason: str


def event_hash(event: Mapping[str, Any]) -> str:
    """Return SHA-256 over the canonical JSON of ``HASHED_FIELDS``.

    Canonical: keys sorted, no spaces, UTF-8; ``occurred_at`` is an ISO 8601 string in UTC.
    """
    document = {name: event[name] for name in HASHED_FIELDS}
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def find_break(events: Iterable[Mapping[str, Any]]) -> Break | None:
    """Walk one chain from its start; return the first break or ``None`` when it holds."""
    previous, expected_sequence = GENESIS, 1
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
