"""The worker's part."""

from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from accounts.retention import purge
from reports.models import ReportRun
from reports.scheduled.running import dispatch_due, make_waiting

log = structlog.get_logger(__name__)

HOUR = 3600


@shared_task(name="reports.make_due", soft_time_limit=900, time_limit=960)
def make_due(**_: Any) -> None:
    """Make the reports whose time has come."""
    dispatch_due()
    make_waiting()


@shared_task(name="reports.forget_old", soft_time_limit=HOUR, time_limit=HOUR + 30)
def forget_old(**_: Any) -> None:
    """Delete reports beyond their retention."""
    count = purge(
        ReportRun.objects.expired, days=settings.REPORT_RETENTION_DAYS, action="report_runs.purged"
    )
    log.info("report_runs_purged", count=count)
