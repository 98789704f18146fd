"""What is done without anybody waiting."""

from typing import Any

import structlog
from celery import shared_task

from deployments.services import AWAITING

log = structlog.get_logger(__name__)


@shared_task(name="deployments.match_deployments")
def match_deployments(**_: Any) -> None:
    """Place deployments that waited for a build of their image, and have one now."""
    if placed := AWAITING.place_known():
        log.info("deployments_placed", count=placed)
