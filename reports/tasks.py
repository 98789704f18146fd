"""The worker's part."""

from typing import Any

from celery import shared_task

from reports.scheduled.running import dispatch_due, make_waiting


@shared_task(name="reports.make_due", soft_time_limit=900, time_limit=960)
def make_due(**_: Any) -> None:
    """Make the reports whose time has come."""
    dispatch_due()
    make_waiting()
