"""Removing old events so that what stays can still be proved: up to a checkpoint, never between."""

from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from audit.appending import append, lock_head
from audit.checkpoints import cut_of, digest_of, sign, signer
from audit.models import AuditChain, Checkpoint, Tombstone
from audit.services import SYSTEM, act_of
from audit.signing import Signer
from audit.verification import verify_chain

log = structlog.get_logger(__name__)


def cut_expired() -> int:
    """Remove events older than ``AUDIT_RETENTION_DAYS``, if it is set; return how many.

    Raises:
        SigningKeyError: the key is of no use, or was replaced.
    """
    if not settings.AUDIT_RETENTION_DAYS or (key := signer()) is None:
        return 0
    before = datetime.now(UTC) - timedelta(days=settings.AUDIT_RETENTION_DAYS)
    return sum(_cut_chain(head.name, before, key) for head in AuditChain.objects.all())


def _cut_chain(chain: str, before: datetime, key: Signer) -> int:
    """Cut a chain at its newest checkpoint of that time, if the chain holds."""
    start = cut_of(chain)
    old = Checkpoint.objects.in_chain(chain).filter(made_at__lt=before, sequence__gt=start.sequence)
    checkpoint = old.last()
    if checkpoint is None or verify_chain(chain):
        return 0
    return _cut(checkpoint, key)


@transaction.atomic
def _cut(checkpoint: Checkpoint, key: Signer) -> int:
    chain = checkpoint.chain
    lock_head(chain)
    last = Tombstone.objects.in_chain(chain).last()
    if last and last.sequence >= checkpoint.sequence:
        return 0  # another process was faster
    removed = checkpoint.sequence - (last.sequence if last else 0)
    tombstone = sign(
        Tombstone(
            chain=chain,
            number=last.number + 1 if last else 1,
            sequence=checkpoint.sequence,
            hash=checkpoint.hash,
            count=removed,
            previous=digest_of(last),
        ),
        key,
    )
    changes = {"until": checkpoint.sequence, "removed": removed, "checkpoint": checkpoint.number}
    act = act_of(actor=SYSTEM, action="audit.cut", target=tombstone, changes=changes)
    act.chain = chain
    append(act)
    _delete(checkpoint)
    log.warning("audit_events_removed", **tombstone.document())
    return removed


def _delete(checkpoint: Checkpoint) -> None:
    """Delete what the tombstone stands for; the database allows that here and nowhere else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('audit.cutting', %s, true)", [checkpoint.chain])
        cursor.execute(
            "DELETE FROM audit_auditevent WHERE chain = %s AND sequence <= %s",
            [checkpoint.chain, checkpoint.sequence],
        )
        cursor.execute("SELECT set_config('audit.cutting', '', true)")
