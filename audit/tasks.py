"""What keeps the trail: appending what waits, signing, proving, and cutting what is too old."""

from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from audit.appending import append_pending
from audit.checkpoints import BrokenChainError, make_checkpoint
from audit.models import AuditChain, Noted
from audit.retention import cut_expired
from audit.signing import SigningKeyError
from audit.verification import all_chains, verify_chain

log = structlog.get_logger(__name__)

HOURS = 3600
"""The most that the proof of one chain may take, in seconds."""


@shared_task(name="audit.append_pending")
def append_waiting(**_: Any) -> None:
    """Append acts that were noted and not yet appended."""
    append_pending()


@shared_task(name="audit.verify_chains")
def verify_chains(**_: Any) -> None:
    """Have each chain proved, by a task of its own: long ones take long."""
    for chain in all_chains():
        verify_one.delay_on_commit(chain)  # type: ignore[attr-defined]  # Celery's DjangoTask


@shared_task(name="audit.verify_chain", soft_time_limit=HOURS, time_limit=HOURS + 30)
def verify_one(chain: str, **_: Any) -> None:
    """Prove one chain; a break is logged as an error and shown on its page."""
    verify_chain(chain)


@shared_task(name="audit.sign_checkpoints", soft_time_limit=HOURS, time_limit=HOURS + 30)
def sign_checkpoints(**_: Any) -> None:
    """Sign where each chain stands that has grown."""
    for chain in AuditChain.objects.values_list("name", flat=True):
        try:
            make_checkpoint(chain)
        except (BrokenChainError, SigningKeyError):
            log.exception("audit_checkpoint_failed", chain=chain)


@shared_task(name="audit.cut_expired", soft_time_limit=HOURS, time_limit=HOURS + 30)
def cut(**_: Any) -> None:
    """Remove notes of days that are over, and events beyond their retention."""
    Noted.objects.filter(day__lt=timezone.now().date() - timedelta(days=2)).delete()
    cut_expired()
