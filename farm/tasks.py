"""The workers' tasks: a message only says that there may be something to do."""

from typing import Any

from celery import shared_task

from farm.builders import look_at_all
from farm.claims import claim, silent_requests, worker_name
from farm.endings import lose
from farm.notices import send_pending
from farm.running import run
from farm.schedules import run_due

DAY_SECONDS = 24 * 3600


@shared_task(name="farm.run_next", soft_time_limit=DAY_SECONDS, time_limit=DAY_SECONDS + 60)
def run_next(**_: Any) -> None:
    """Run what waits, one after the other, until there is nothing that a slot is free for."""
    while request := claim(worker_name()):
        run(request)


@shared_task(name="farm.reap_silent")
def reap_silent(**_: Any) -> None:
    """End as lost what dead workers had."""
    for request in silent_requests():
        lose(request)


@shared_task(name="farm.look_at_builders")
def look_at_builders(**_: Any) -> None:
    """Note the health, platforms, cache and disk of the builders."""
    look_at_all()


@shared_task(name="farm.run_schedules")
def run_schedules(**_: Any) -> None:
    """Queue the builds whose time has come."""
    run_due()


@shared_task(name="farm.send_notices")
def send_notices(**_: Any) -> None:
    """Send e-mail about failed builds."""
    send_pending()
