"""Work off payload rows; a message is only a hint that there is one."""

from collections.abc import Collection
from time import monotonic
from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from accounts.retention import purge
from ingest.claims import LEAVE_ALONE, give_up_killers
from ingest.digest import digest_payload as digest
from ingest.models import IngestPayload
from ingest.services import digest_again
from security.awaiting import Awaiting
from security.models import Scan

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 25
"""How long one sweep works; the next one comes after 30 s."""
BATCH = 5000


@shared_task(name="ingest.digest_payload")
def digest_payload(payload_id: int, **_: Any) -> None:
    """Digest one payload."""
    digest(payload_id)


def enqueue_digest(payload: IngestPayload) -> None:
    """Ask a worker to digest ``payload`` once the current transaction is committed."""
    digest_payload.delay_on_commit(payload.pk)  # type: ignore[attr-defined]  # Celery's DjangoTask


@shared_task(name="ingest.drain_pending")
def drain_pending(**_: Any) -> None:
    """Digest payloads whose message was lost or whose worker died, oldest first.

    Done here and not enqueued again: under a backlog that would only lengthen the queue.
    """
    deadline = monotonic() + DRAIN_SECONDS
    give_up_killers()
    drained = 0
    for payload_id in IngestPayload.objects.left_behind(LEAVE_ALONE).values_list("pk", flat=True)[
        :BATCH
    ]:
        if monotonic() > deadline:
            break
        drained += digest(payload_id) is not None
    if drained:
        log.info("payloads_drained", count=drained)


@shared_task(name="ingest.match_scans")
def match_scans(**_: Any) -> None:
    """Read reports again that waited for a build of their image, and have one now."""
    AWAITING.place_known()


def read_again(scan_ids: Collection[int]) -> None:
    """Put the reports of scans back to the start, and enqueue them."""
    for payload in digest_again(IngestPayload.objects.filter(scan_link__scan__in=scan_ids)):
        enqueue_digest(payload)


AWAITING = Awaiting(Scan.objects.waiting, read_again)


@shared_task(name="ingest.purge_expired")
def purge_expired(**_: Any) -> None:
    """Delete payloads beyond their retention; builds made from them stay."""
    count = purge(
        IngestPayload.objects.expired,
        days=settings.INGEST_RETENTION_DAYS,
        action="payloads.purged",
    )
    log.info("payloads_purged", count=count)
