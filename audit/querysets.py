"""Reads of the audit trail."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from audit.chain import HASHED_FIELDS

if TYPE_CHECKING:
    from audit.models import AuditChain, AuditEvent, Checkpoint, SigningKey

AT_ONCE = 2000
"""Events that are read at once."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Audit events."""

    def in_chain(self, chain: str) -> Self:
        """Events of one chain, oldest first."""
        return self.filter(chain=chain).order_by("sequence")

    def documents(self, after: int = 0, until: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield events of one chain as they are hashed, each with its hash, in constant memory.

        By number and not by a cursor: so none is held open while the other side reads slowly.
        """
        rows = self.order_by("sequence").values(*HASHED_FIELDS, "hash")
        if until is not None:
            rows = rows.filter(sequence__lte=until)
        while events := list(rows.filter(sequence__gt=after)[:AT_ONCE]):
            for event in events:
                yield {**event, "occurred_at": event["occurred_at"].astimezone(UTC).isoformat()}
            after = events[-1]["sequence"]


class AuditChainQuerySet(models.QuerySet["AuditChain"]):
    """Heads of chains."""

    def broken(self) -> Self:
        """Chains whose last proof failed."""
        return self.filter(break_sequence__isnull=False)


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    """Checkpoints, or tombstones."""

    def in_chain(self, chain: str) -> Self:
        """Those of one chain, oldest first."""
        return self.filter(chain=chain).order_by("number")


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    """Public keys. Their order is what they say of each other: a clock may have been wrong."""

    def oldest_first(self) -> "list[SigningKey]":
        """Keys in the order in which they followed one another."""
        known = {key.key_id: key for key in self.order_by("made_at", "key_id")}
        return sorted(known.values(), key=lambda key: len(_and_before(key.key_id, known)))

    def up_to(self, key_id: str) -> "list[SigningKey]":
        """A key and those before it, the oldest first; none if it was never used."""
        return _and_before(key_id, {key.key_id: key for key in self})[::-1]


def _and_before(key_id: str, known: "Mapping[str, SigningKey]") -> "list[SigningKey]":
    """Return a key and those before it, the newest first."""
    line: dict[str, SigningKey] = {}
    while key_id in known and key_id not in line:
        line[key_id] = known[key_id]
        key_id = known[key_id].previous
    return list(line.values())
