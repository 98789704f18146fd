"""The worker's part."""

from typing import Any

import structlog
from celery import shared_task

from accounts.models import Project
from buildkit.errors import ParseError
from builds.models import Service
from cache import advising, registry_looks
from cache.operations import working
from cache.rollups import roll_up_next
from cache.services import explain_next
from cache.snapshots import due, forget_old, take_snapshot
from farm.builders import UnreachableError
from farm.models import Builder

log = structlog.get_logger(__name__)

LOOK_SECONDS = 300
"""How often it is asked whose turn it is; a message that nobody took by then is dropped."""

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


@shared_task(name="cache.snapshot_builders")
def snapshot_builders(**_: Any) -> None:
    """Let a worker that knows it look into the cache of each builder whose turn it is."""
    for number, queue in due():
        snapshot_builder.apply_async(args=(number,), queue=queue, expires=LOOK_SECONDS)


@shared_task(name="cache.snapshot_builder")
def snapshot_builder(number: int, **_: Any) -> None:
    """Note what a builder's cache holds; one that does not answer is looked at again."""
    try:
        take_snapshot(Builder.objects.get(pk=number))
    except (UnreachableError, ParseError) as error:
        log.warning("builder_not_looked_into", builder=number, error=str(error))


@shared_task(name="cache.forget_old_snapshots")
def forget_old_snapshots(**_: Any) -> None:
    """Delete what is too old to be shown."""
    forget_old()


@shared_task(name="cache.look_into_registries")
def look_into_registries(**_: Any) -> None:
    """Look at the caches of each project in registries whose turn it is."""
    for number in registry_looks.due():
        look_into_registry.apply_async(args=(number,), expires=LOOK_SECONDS)


@shared_task(name="cache.look_into_registry", soft_time_limit=600, time_limit=660)
def look_into_registry(number: int, **_: Any) -> None:
    """Note what the registries hold of a project's caches."""
    registry_looks.look(Project.objects.get(pk=number))


@shared_task(name="cache.advise_services")
def advise_services(**_: Any) -> None:
    """Read the last builds of services whose turn it is."""
    for number in advising.due():
        advise_service.apply_async(args=(number,), expires=LOOK_SECONDS)


@shared_task(name="cache.advise_service", soft_time_limit=600, time_limit=660)
def advise_service(number: int, **_: Any) -> None:
    """Say what to change of a service's Dockerfiles."""
    advising.advise_service(Service.objects.select_related("source").get(pk=number))


@shared_task(name="cache.go_on", soft_time_limit=3000, time_limit=3060)
def go_on(number: int, **_: Any) -> None:
    """Plan an operation, or do what was confirmed of it."""
    working.go_on(number)


@shared_task(name="cache.wake_operations")
def wake_operations(**_: Any) -> None:
    """Tell workers of operations that wait, and look whether their builds have ended."""
    working.wake_waiting()
    working.follow_builds()


@shared_task(name="cache.enforce_retention")
def enforce_retention(**_: Any) -> None:
    """Keep what each project's retention policy says."""
    working.enforce_retention()
