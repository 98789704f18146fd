"""The workers' tasks: a message only says that there may be something to send."""

from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from accounts.retention import purge
from channels.models import Delivery
from channels.sending import send_due

log = structlog.get_logger(__name__)

HOUR = 3600


@shared_task(name="channels.deliver_due")
def deliver_due(**_: Any) -> None:
    """Send what is due."""
    send_due()


@shared_task(name="channels.forget_old", soft_time_limit=HOUR, time_limit=HOUR + 30)
def forget_old(**_: Any) -> None:
    """Delete deliveries beyond their retention."""
    count = purge(
        Delivery.objects.expired, days=settings.DELIVERY_RETENTION_DAYS, action="deliveries.purged"
    )
    log.info("deliveries_purged", count=count)
