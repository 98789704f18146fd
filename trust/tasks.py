"""The worker's part."""

from typing import Any

from celery import shared_task

from trust import own

AT_ONCE = 20
"""Images that one run verifies at most; the next run goes on."""


@shared_task(name="trust.verify_waiting", soft_time_limit=own.SECONDS, time_limit=own.SECONDS + 60)
def verify_waiting(**_: Any) -> None:
    """Verify the images that wait."""
    for _number in range(AT_ONCE):
        if own.verify_next() is None:
            return
