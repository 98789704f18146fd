"""The worker's part."""

from typing import Any

from celery import shared_task

from accounts.models import Project
from recommendations.renewing import due, renew

LOOK_SECONDS = 60
"""How often it is asked whose turn it is; a message that nobody took by then is dropped."""


@shared_task(name="recommendations.renew_due")
def renew_due(**_: Any) -> None:
    """Let the recommendations of each project whose turn it is be made again."""
    for number in due():
        renew_project.apply_async(args=(number,), expires=LOOK_SECONDS)


@shared_task(name="recommendations.renew_project", soft_time_limit=600, time_limit=660)
def renew_project(number: int, **_: Any) -> None:
    """Make the recommendations of one project again."""
    renew(Project.objects.get(pk=number))
