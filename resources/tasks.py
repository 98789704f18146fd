"""The worker's part."""

from typing import Any

from celery import shared_task

from resources.findings import weigh_next
from resources.hours import roll_up_next

HOURS_AT_ONCE = 500
BUILDERS_AT_ONCE = 20
"""What one run works off at most; the next run goes on."""


@shared_task(name="resources.roll_up_waiting", soft_time_limit=600, time_limit=660)
def roll_up_waiting(**_: Any) -> None:
    """Add up the hours of builders that wait."""
    for _number in range(HOURS_AT_ONCE):
        if not roll_up_next():
            return


@shared_task(name="resources.weigh_builders", soft_time_limit=600, time_limit=660)
def weigh_builders(**_: Any) -> None:
    """Work out what builds cost each other on builders whose turn it is."""
    for _number in range(BUILDERS_AT_ONCE):
        if not weigh_next():
            return
