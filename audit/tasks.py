"""Scheduled proof that the trail holds."""

from typing import Any

import structlog
from celery import shared_task

from audit.models import AuditEvent
from audit.services import verify_chain

log = structlog.get_logger(__name__)


@shared_task(name="audit.verify_chains")
def verify_chains(**_: Any) -> None:
    """Verify each chain and log every break as an error."""
    for chain in AuditEvent.objects.chains():
        if found := verify_chain(chain):
            log.error("audit_chain_broken", chain=chain, sequence=found.sequence, why=found.reason)
