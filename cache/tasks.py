"""The worker's part."""

from typing import Any

from celery import shared_task

from cache.services import explain_next

AT_ONCE = 200
"""Builds that one run explains at most; the next run goes on."""


@shared_task(name="cache.explain_waiting")
def explain_waiting(**_: Any) -> None:
    """Explain the builds that wait."""
    for _number in range(AT_ONCE):
        if not explain_next():
            return
