"""Proving that a stored chain holds: its events, its head, and what was signed about it."""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import structlog
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from audit.chain import Break, Link, find_break
from audit.checkpoints import cut_of, digest_of, signer
from audit.models import AuditChain, AuditEvent, Checkpoint, Signed, SigningKey, Tombstone
from audit.signing import fingerprint, is_signed

log = structlog.get_logger(__name__)


def all_chains() -> list[str]:
    """Return the names of all chains that have events, a head or a checkpoint."""
    names: set[str] = set()
    for rows, field in ((AuditEvent, "chain"), (AuditChain, "name"), (Checkpoint, "chain")):
        names.update(rows.objects.order_by().values_list(field, flat=True).distinct())
    return sorted(names)


def verify_chain(chain: str) -> Break | None:
    """Return the first break of a stored chain, and keep how the proof went on its head."""
    found, until = _proved(chain)
    if found:
        log.error("audit_chain_broken", chain=chain, sequence=found.sequence, why=found.reason)
    head, _ = AuditChain.objects.get_or_create(name=chain)
    AuditChain.objects.filter(name=head.name).update(
        verified_at=Now(),
        verified_sequence=found.sequence - 1 if found and found.sequence else until,
        break_sequence=found.sequence if found else None,
        break_reason=found.reason if found else "",
    )
    return found


def _proved(chain: str) -> tuple[Break | None, int]:
    """Return the first break, and up to which event it was looked for.

    Retention may remove events that the proof is about to read: then it begins again.
    """
    while True:
        start = cut_of(chain)
        found = _proved_from(start, chain)
        if found[0] is None or cut_of(chain) == start:
            return found


def _proved_from(start: Link, chain: str) -> tuple[Break | None, int]:
    trusted = trusted_keys()
    tombstones = list(Tombstone.objects.in_chain(chain))
    checkpoints = list(Checkpoint.objects.in_chain(chain))
    # Read last: a checkpoint that is signed from here on may be of an event after it.
    until = AuditChain.objects.filter(name=chain).values_list("sequence", flat=True).first()
    if until is None:
        return Break(chain, 1, "it may be, but the head of the chain is gone"), 0
    for rows in (tombstones, checkpoints):
        if found := _break_of_signed(rows, trusted):
            return found, until
    walk = _Walk(start, {row.sequence: row for row in checkpoints})
    events = AuditEvent.objects.in_chain(chain).documents(until=until)
    return find_break(walk.through(events), start) or walk.break_at_end(chain, until), until


class _Walk:
    """Looks at events as they pass: at checkpoints, and at the end."""

    def __init__(self, start: Link, checkpoints: Mapping[int, Signed]) -> None:
        self.start, self.last = start, start
        self.checkpoints = checkpoints
        self.wrong: Signed | None = None

    def through(self, events: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Yield the events as they come."""
        for event in events:
            self.last = Link(int(event["sequence"]), str(event["hash"]))
            signed = self.checkpoints.get(self.last.sequence)
            if signed and signed.hash != self.last.hash and self.wrong is None:
                self.wrong = signed
            yield event

    def break_at_end(self, chain: str, until: int) -> Break | None:
        """Return what only the end shows: another history than was signed, or a tail cut off."""
        if self.wrong:
            reason = f"it is not the event that checkpoint {self.wrong.number} was signed for"
            return Break(chain, self.wrong.sequence, reason)
        newest = max([until, *self.checkpoints])
        if self.last.sequence < newest:
            reason = f"the chain ends at {self.last.sequence}, and had {newest} events"
            return Break(chain, self.last.sequence + 1, reason)
        head = AuditChain.objects.filter(name=chain, sequence=until).first()
        if head and head.hash != self.last.hash:
            return Break(chain, until, "it is not the event that the chain's head names")
        return _beyond_head(chain)


def _beyond_head(chain: str) -> Break | None:
    """Return an event that nobody appended: asked in one statement, as others append meanwhile."""
    head = AuditChain.objects.filter(name=OuterRef("chain"), sequence__gte=OuterRef("sequence"))
    beyond = AuditEvent.objects.in_chain(chain).filter(~Exists(head)).last()
    if beyond is None:
        return None
    return Break(chain, beyond.sequence, "it was not appended: the chain's head is before it")


def trusted_keys() -> dict[str, str]:
    """Return public keys by their ids: the server's own, behind those before it by its word."""
    key = signer()
    if key is None:
        return {row.key_id: row.public_key for row in SigningKey.objects.oldest_first()}
    line = reversed(SigningKey.objects.up_to(key.key_id))
    vouched = [*takewhile(_is_genuine, line)][::-1]
    return {row.key_id: row.public_key for row in vouched} | {key.key_id: key.public_key}


def _is_genuine(row: SigningKey) -> bool:
    return row.key_id == fingerprint(row.public_key) and is_signed(
        row.document(), row.signature, row.public_key
    )


def _break_of_signed(rows: list[Any], trusted: Mapping[str, str]) -> Break | None:
    """Return the first row that is missing, not signed by a trusted key, or does not follow.

    ``trusted`` are keys in the order of their use, which ``verify_trail.py`` sees to as well.
    """
    before: Signed | None = None
    order = list(trusted)
    for number, row in enumerate(rows, start=1):
        noun = row._meta.verbose_name  # noqa: SLF001
        public_key = trusted.get(row.key_id)
        if row.number != number:
            return Break(row.chain, row.sequence, f"{noun} {number} is missing")
        if row.previous != digest_of(before):
            return Break(row.chain, row.sequence, f"{noun} {number} does not follow the one before")
        if public_key is None:
            return Break(row.chain, row.sequence, f"{noun} {number} is signed by a foreign key")
        if not is_signed(row.document(), row.signature, public_key):
            return Break(row.chain, row.sequence, f"{noun} {number} is not what was signed")
        if before and order.index(row.key_id) < order.index(before.key_id):
            return Break(row.chain, row.sequence, f"{noun} {number} is signed by a replaced key")
        before = row
    return None
