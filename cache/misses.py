"""Which steps cost most: where chains of misses began, and what was spent on each step."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Max, Sum

from buildkit.explaining import MEANINGS, Cause
from builds.models import Service
from cache.models import MissDay, StepDay
from cache.periods import Days
from cache.step_names import named

MOST = 12
"""Rows of each table."""


def invalidators(
    services: Sequence[Service], days: Days, cause: Cause | None = None
) -> list[dict[str, Any]]:
    """Return the steps with which most lost time began, and why: of all causes, or of one.

    The time is that of all steps that ran because of it, its own with it.
    """
    misses = MissDay.objects.filter(service__in=services).within(*days)
    if cause is not None:
        misses = misses.filter(first_cause=cause.value)
    rows = (
        misses.order_by()
        .values("service_id", "first_identity", "first_cause")
        .annotate(
            lost_seconds=Sum("lost_seconds"), runs=Sum("misses"), last_build=Max("last_build")
        )
        .order_by("-lost_seconds", "first_identity")[:MOST]
    )
    return [
        row | {"meaning": MEANINGS[Cause(row["first_cause"])]}
        for row in _with_steps(rows, "first_identity")
    ]


def costly_steps(services: Sequence[Service], days: Days) -> list[dict[str, Any]]:
    """Return the steps on which most time was spent, with their hits."""
    sums = ("hits", "misses", "executed_seconds", "saved_seconds")
    rows = (
        StepDay.objects.filter(service__in=services)
        .within(*days)
        .order_by()
        .values("service_id", "identity")
        .annotate(**{name: Sum(name) for name in sums}, last_build=Max("last_build"))
        .order_by("-executed_seconds", "identity")[:MOST]
    )
    return [row | hit_ratio(row["hits"], row["misses"]) for row in _with_steps(rows, "identity")]


def hit_ratio(hits: int, misses: int) -> dict[str, Any]:
    """Return how often a step reached an end, and the share of hits; ``None`` if it never did."""
    ended = hits + misses
    return {"ended": ended, "hit_ratio": hits / ended if ended else None}


def _with_steps(rows: Iterable[dict[str, Any]], field: str) -> list[dict[str, Any]]:
    """Add the step that each row's identity, in ``field``, is in its last build."""
    listed = list(rows)
    steps = named({(row["service_id"], row[field]): row["last_build"] for row in listed})
    return [row | {"step": steps.get((row["service_id"], row[field]))} for row in listed]
