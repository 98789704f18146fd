"""The worker's part."""

from typing import Any

from celery import shared_task

from bases import looking
from bases.following import follow_next
from bases.models import BaseRepository

AT_ONCE = 500
"""Builds that one run follows at most; the next run goes on."""

LOOK_SECONDS = 300
"""How often it is asked whose turn it is; a message that nobody took by then is dropped."""


@shared_task(name="bases.follow_waiting", soft_time_limit=1800, time_limit=1860)
def follow_waiting(**_: Any) -> None:
    """Tell what builds stand on that came."""
    for _number in range(AT_ONCE):
        if not follow_next():
            return


@shared_task(name="bases.look_into_registries")
def look_into_registries(**_: Any) -> None:
    """Let workers ask about each repository whose turn it is."""
    for number in looking.due():
        look_into_repository.apply_async(args=(number,), expires=LOOK_SECONDS)


@shared_task(name="bases.look_into_repository", soft_time_limit=600, time_limit=660)
def look_into_repository(number: int, **_: Any) -> None:
    """Note what the tags of a repository mean now."""
    looking.look(BaseRepository.objects.select_related("project").get(pk=number))
