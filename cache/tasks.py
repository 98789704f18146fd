"""The worker's part."""

from typing import Any

from celery import shared_task

from cache.rollups import roll_up_next
from cache.services import explain_next

AT_ONCE = 200
"""Builds that one run explains, and days that it adds up, at most; the next run goes on."""


@shared_task(name="cache.explain_waiting")
def explain_waiting(**_: Any) -> None:
    """Explain the builds that wait."""
    for _number in range(AT_ONCE):
        if not explain_next():
            return


@shared_task(name="cache.roll_up_stale")
def roll_up_stale(**_: Any) -> None:
    """Make the sums of days again on which something changed."""
    for _number in range(AT_ONCE):
        if not roll_up_next():
            return
