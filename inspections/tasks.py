"""What is done without anybody waiting."""

from typing import Any

import structlog
from celery import shared_task

from inspections.services import AWAITING

log = structlog.get_logger(__name__)


@shared_task(name="inspections.match_inspections")
def match_inspections(**_: Any) -> None:
    """Place inspections that waited for a build of their image, and have one now."""
    if placed := AWAITING.place_known():
        log.info("inspections_placed", count=placed)
