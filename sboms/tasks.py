"""Bills that wait for their image's build."""

from typing import Any

from celery import shared_task

from sboms.waiting import AWAITING


@shared_task(name="sboms.match_sboms")
def match_sboms(**_: Any) -> None:
    """Give bills the build of their image if it has come."""
    AWAITING.place_known()
