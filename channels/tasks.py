"""The workers' tasks: a message only says that there may be something to send."""

from typing import Any

from celery import shared_task

from channels.sending import send_due


@shared_task(name="channels.deliver_due")
def deliver_due(**_: Any) -> None:
    """Send what is due."""
    send_due()
