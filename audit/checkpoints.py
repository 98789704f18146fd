"""Signed checkpoints: what a chain was at a time, by the word of a key that is in no database."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction

from audit.appending import append_pending_of
from audit.chain import GENESIS, START, Link, canonical, find_break
from audit.models import AuditChain, AuditEvent, Checkpoint, Signed, SigningKey, Tombstone
from audit.signing import Signer, SigningKeyError, read_key

log = structlog.get_logger(__name__)

LOCK = 0x6B657973  # the letters "keys": first key of the two-key advisory lock


class BrokenChainError(Exception):
    """What came since the last checkpoint does not hold, so nothing vouches for it."""


def signer() -> Signer | None:
    """Return the server's key, or ``None`` if no file is named.

    Raises:
        SigningKeyError: the file is of no use.
    """
    path = settings.AUDIT_SIGNING_KEY_FILE
    return read_key(Path(path)) if path else None


def make_checkpoint(chain: str) -> Checkpoint | None:
    """Sign where a chain stands; return the newest checkpoint, old if nothing came since.

    ``None`` without a key. What came since is proved first: nothing vouches for a forgery.

    Raises:
        SigningKeyError: the key is of no use, or was replaced.
        BrokenChainError: what came since the last checkpoint does not hold.
    """
    key = signer()
    append_pending_of(chain)
    head = AuditChain.objects.filter(name=chain).first()
    if key is None or head is None:
        return None
    use(key)
    link, newest = Link(head.sequence, head.hash), newest_of(chain)
    if newest and newest.sequence >= link.sequence:
        return newest
    _prove(chain, newest.link if newest else cut_of(chain), link)
    return _sign_checkpoint(chain, link, key)


def _prove(chain: str, after: Link, until: Link) -> None:
    """Raise unless the events lead from one link to the other."""
    events = AuditEvent.objects.in_chain(chain)
    last = after

    def walked() -> Iterable[dict[str, object]]:
        nonlocal last
        for event in events.documents(after.sequence, until.sequence):
            last = Link(int(event["sequence"]), str(event["hash"]))
            yield event

    found = find_break(walked(), after)
    if found or last != until:
        where = found.sequence if found else last.sequence
        log.error("audit_checkpoint_refused", chain=chain, sequence=where)
        raise BrokenChainError(f"{chain} does not hold at event {where}.")


@transaction.atomic
def _sign_checkpoint(chain: str, link: Link, key: Signer) -> Checkpoint:
    AuditChain.objects.select_for_update().get(pk=chain)
    newest = newest_of(chain)
    if newest and newest.sequence >= link.sequence:
        return newest
    checkpoint = sign(
        Checkpoint(
            chain=chain,
            number=newest.number + 1 if newest else 1,
            sequence=link.sequence,
            hash=link.hash,
            count=link.sequence - cut_of(chain).sequence,
            previous=digest_of(newest),
        ),
        key,
    )
    # A witness beside the database: whoever keeps logs keeps checkpoints.
    log.info("audit_checkpoint_signed", **checkpoint.document())
    return checkpoint


def sign[S: Signed](row: S, key: Signer) -> S:
    """Sign and store a checkpoint or a tombstone, in a transaction that has locked the chain.

    So what a newer key signs there comes after it, or this one is refused.

    Raises:
        SigningKeyError: the key was replaced.
    """
    use(key)
    row.key_id, row.made_at = key.key_id, datetime.now(UTC)
    row.signature = key.sign(row.document())
    row.save(force_insert=True)
    return row


def digest_of(row: Signed | None) -> str:
    """Return what the next row holds of this one."""
    return sha256(canonical(row.document())).hexdigest() if row else GENESIS


def use(key: Signer) -> None:
    """Publish a key, if it is new.

    Raises:
        SigningKeyError: it was replaced; what it signed from now on might be a thief's.
    """
    _publish(key)
    newer = SigningKey.objects.filter(previous=key.key_id).first()
    if newer:
        raise SigningKeyError(f"The key {key.key_id} was replaced by {newer}: name the newest.")


@transaction.atomic
def _publish(key: Signer) -> None:
    """Keep a public key for good, with the one before it, which no other may follow."""
    known = SigningKey.objects.filter(pk=key.key_id)
    if known.exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK])
    if known.exists():
        return
    before = SigningKey.objects.oldest_first()
    row = SigningKey(
        key_id=key.key_id,
        public_key=key.public_key,
        previous=before[-1].key_id if before else "",
        made_at=datetime.now(UTC),
    )
    row.signature = key.sign(row.document())
    row.save(force_insert=True)
    log.warning("audit_signing_key_published", key_id=row.key_id, previous=row.previous)


def newest_of(chain: str) -> Checkpoint | None:
    """Return the newest checkpoint of a chain."""
    return Checkpoint.objects.in_chain(chain).last()


def cut_of(chain: str) -> Link:
    """Return the link from which a chain starts: that of its newest tombstone, or its start."""
    tombstone = Tombstone.objects.filter(chain=chain).order_by("number").last()
    return tombstone.link if tombstone else START
