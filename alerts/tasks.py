"""The worker's part."""

from typing import Any

from celery import shared_task

from alerts.defaults import give_to_new_projects
from alerts.evaluating import evaluate_due


@shared_task(name="alerts.evaluate_due", soft_time_limit=600, time_limit=660)
def evaluate_rules(**_: Any) -> None:
    """Evaluate the rules whose time has come; new projects get those that they begin with."""
    give_to_new_projects()
    evaluate_due()
