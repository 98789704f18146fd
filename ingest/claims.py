"""Which worker has which payload: one at a time, and none for ever.

A claim is committed at once, so that a payload which kills its workers is counted. The digest's own
transaction then locks the row: ``digesting`` without a lock means that the worker is gone, because
PostgreSQL frees the locks of a connection that has ended.
"""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from ingest.models import IngestPayload

MAX_ATTEMPTS = 3
LEAVE_ALONE = timedelta(seconds=20)
"""How long a payload belongs to whom it came to: its message, its claim, or the wait to retry."""

CLAIM = f"""
UPDATE ingest_ingestpayload
SET state = 'digesting', attempts = attempts + 1, digest_started_at = statement_timestamp()
WHERE id = (
    SELECT id FROM ingest_ingestpayload
    WHERE id = %s AND attempts < {MAX_ATTEMPTS} AND (
        (state = 'received' AND attempts = 0)
        OR (state IN ('received', 'digesting') AND digest_started_at < statement_timestamp() - %s)
    )
    FOR UPDATE SKIP LOCKED
)
RETURNING *, set_config('synchronous_commit', 'off', true) AS commit_without_waiting
"""  # noqa: S608
"""The claim need not survive a crash of the database, so its commit does not wait for the disk."""


def claim(payload_id: int) -> IngestPayload | None:
    """Take a payload that nobody has; ``None`` if there is nothing to take."""
    found = IngestPayload.objects.raw(CLAIM, [payload_id, LEAVE_ALONE])
    return next(iter(found), None)


def hold(payload: IngestPayload) -> bool:
    """Lock a claimed payload until the end of the transaction; false if the claim was lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempts FROM ingest_ingestpayload WHERE id = %s AND state = 'digesting'"
            " FOR UPDATE SKIP LOCKED",
            [payload.pk],
        )
        row = cursor.fetchone()
    return row is not None and row[0] == payload.attempts


@transaction.atomic
def give_up_killers() -> int:
    """Fail what was tried often enough and whose last worker did not come back."""
    killers = (
        IngestPayload.objects.select_for_update(skip_locked=True)
        .filter(state="digesting", attempts__gte=MAX_ATTEMPTS)
        .filter(digest_started_at__lt=Now() - LEAVE_ALONE)
    )
    message = f"Given up after {MAX_ATTEMPTS} attempts: during the last one the worker was ended."
    errors = [{"path": "digest", "message": message}]
    return IngestPayload.objects.filter(pk__in=killers.values("pk")).update(
        state="failed", errors=errors, digested_at=Now()
    )
