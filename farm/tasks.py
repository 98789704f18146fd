"""The workers' tasks: a message only says that there may be something to do."""

from typing import Any

from celery import shared_task

from farm.builders import look_at
from farm.claims import claim, silent_requests, worker_name
from farm.endings import lose, lose_unheard_of, release_waiting
from farm.models import Builder
from farm.notices import send_pending
from farm.running import run
from farm.schedules import run_due
from farm.sweeping import sweep

DAY_SECONDS = 24 * 3600
WAKE_SECONDS = 10
LOOK_SECONDS = 60
"""How often messages are sent again; what nobody took by then is dropped."""
SWEEP_SECONDS = 600


@shared_task(name="farm.run_next", soft_time_limit=DAY_SECONDS, time_limit=DAY_SECONDS + 60)
def run_next(queue: str = "builds", **_: Any) -> None:
    """Run one request, then have the next one looked for.

    A task for each, as its time limit is meant for one build: whoever is busy for days has many.
    """
    request = claim(worker_name(), queue)
    if request is None:
        return
    try:
        run(request)
    finally:
        run_next.apply_async(kwargs={"queue": queue}, queue=queue)


@shared_task(name="farm.wake_builders")
def wake_builders(**_: Any) -> None:
    """Let the workers of each queue look for what waits: a message may have been lost."""
    queues = Builder.objects.filter(is_enabled=True).order_by().values_list("queue", flat=True)
    for queue in queues.distinct():
        run_next.apply_async(kwargs={"queue": queue}, queue=queue, expires=WAKE_SECONDS)
    release_waiting()


@shared_task(name="farm.look_at_builders")
def look_at_builders(**_: Any) -> None:
    """Let a worker that knows it look at each builder."""
    for number, queue in Builder.objects.filter(is_enabled=True).values_list("pk", "queue"):
        look_at_builder.apply_async(args=(number,), queue=queue, expires=LOOK_SECONDS)


@shared_task(name="farm.look_at_builder")
def look_at_builder(number: int, **_: Any) -> None:
    """Note a builder's health, platforms, cache and disk."""
    look_at(Builder.objects.get(pk=number))


@shared_task(name="farm.reap_silent")
def reap_silent(**_: Any) -> None:
    """End as lost what dead workers had."""
    for request in silent_requests():
        lose(request)


@shared_task(name="farm.end_unheard_of")
def end_unheard_of(**_: Any) -> None:
    """End as lost the builds elsewhere whose end nobody told."""
    lose_unheard_of()


@shared_task(name="farm.run_schedules")
def run_schedules(**_: Any) -> None:
    """Queue the builds whose time has come."""
    run_due()


@shared_task(name="farm.send_notices")
def send_notices(**_: Any) -> None:
    """Send e-mail about failed builds."""
    send_pending()


@shared_task(
    name="farm.sweep_work_dirs", soft_time_limit=SWEEP_SECONDS, time_limit=SWEEP_SECONDS + 60
)
def sweep_work_dirs(**_: Any) -> None:
    """Remove from this worker's directory what no build needs any more."""
    sweep()
