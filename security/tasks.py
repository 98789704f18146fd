"""The worker's part."""

from typing import Any

import structlog
from celery import shared_task

from security.waivers import expire_waivers

log = structlog.get_logger(__name__)


@shared_task(name="security.expire_waivers")
def expire_due_waivers(**_: Any) -> None:
    """Open again what waivers covered whose time has come."""
    if count := expire_waivers():
        log.info("waivers_expired", findings=count)
