"""The worker's part."""

from typing import Any

import structlog
from celery import shared_task
from django.conf import settings

from accounts.retention import purge
from alerts.defaults import give_to_new_projects
from alerts.evaluating import evaluate_due
from alerts.models import AlertEvent

log = structlog.get_logger(__name__)

HOUR = 3600


@shared_task(name="alerts.evaluate_due", soft_time_limit=600, time_limit=660)
def evaluate_rules(**_: Any) -> None:
    """Evaluate the rules whose time has come; new projects get those that they begin with."""
    give_to_new_projects()
    evaluate_due()


@shared_task(name="alerts.forget_old", soft_time_limit=HOUR, time_limit=HOUR + 30)
def forget_old(**_: Any) -> None:
    """Delete the events of alerts that were resolved long ago; the alerts stay."""
    count = purge(
        AlertEvent.objects.expired,
        days=settings.ALERT_EVENT_RETENTION_DAYS,
        action="alert_events.purged",
        project="alert__project",
    )
    log.info("alert_events_purged", count=count)
