"""How much a project has at most of what people and programs make: one cannot fill the server."""

from typing import Any

from django.db.models import QuerySet

from buildinsights.exceptions import DomainError

MOST_RULES = 1000
"""Alert rules; evaluation keeps its pace with so many (``bench``)."""
MOST_SILENCES = 1000
"""Those that are not over."""
MOST_CHANNELS = 100
MOST_SCHEDULES = 100
"""Scheduled reports."""


class TooManyError(DomainError):
    """There is no room for one more."""

    code = "too_many"


def require_room(rows: QuerySet[Any], most: int, noun: str, way_out: str = "delete one") -> None:
    """Refuse one more; two at the same moment may both find the last place.

    Raises:
        TooManyError: there are as many as there may be.
    """
    if rows.count() >= most:
        raise TooManyError(f"A project has {most} {noun} at most: {way_out} first.")
