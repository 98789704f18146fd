"""The worker's part."""

from typing import Any

from celery import shared_task

from sizes.following import follow_next

AT_ONCE = 100
"""Services that one run follows at most; the next run goes on."""


@shared_task(name="sizes.follow_waiting", soft_time_limit=1800, time_limit=1860)
def follow_waiting(**_: Any) -> None:
    """Follow the images of services of which builds came."""
    for _number in range(AT_ONCE):
        if not follow_next():
            return
