"""Weeks of a service by their age, from the distributions by day."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import Project
from analytics.sketch import merged, quantiles
from builds.models import Service
from cache.querysets import DayQuerySet
from trends.models import BuildDay

QUARTILES = (0.25, 0.5, 0.75)
SUMMED = ("builds", "failed", "succeeded", "spent_seconds", "cacheable_steps", "cached_steps")

type Weeks = dict[int, dict[str, Any]]
"""By age, 0 is the last seven days: ``builds, failed, succeeded, ended, spent_seconds,
saved_seconds, cacheable_steps, cached_steps`` and ``quartiles`` of succeeded builds' wall seconds,
``None`` of none.
"""


def weeks_of(project: Project, weeks: int) -> dict[int, Weeks]:
    """Return the weeks with builds of each service."""
    return _by_service(BuildDay.objects.filter(service__project=project), weeks)


def weekly(service: Service, group: Mapping[str, str], weeks: int) -> Weeks:
    """Return the weeks with builds; ``group`` narrows these by columns of ``BuildDay``."""
    days = BuildDay.objects.filter(service=service, **group)
    return _by_service(days, weeks).get(service.pk, {})


def _by_service(days: DayQuerySet, weeks: int) -> dict[int, Weeks]:
    today = timezone.now().date()
    within = days.within(today - timedelta(days=7 * weeks - 1), today)
    rows = within.values(
        "service_id", "day", *SUMMED, "saved_seconds", sketch=F("sketches__wall_seconds")
    )
    groups: defaultdict[int, defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row["service_id"]][(today - row["day"]).days // 7].append(row)
    return {
        service: {age: added_up(found) for age, found in ages.items()}
        for service, ages in groups.items()
    }


def added_up(rows: list[Any]) -> dict[str, Any]:
    """Return rows of ``SUMMED``, ``saved_seconds`` and ``sketch`` as one, as ``Weeks`` has it."""
    sums = {name: sum(row[name] for row in rows) for name in SUMMED}
    saved = [row["saved_seconds"] for row in rows if row["saved_seconds"] is not None]
    return {
        **sums,
        "ended": sums["succeeded"] + sums["failed"],
        "saved_seconds": sum(saved) if saved else None,
        "quartiles": quantiles(merged(row["sketch"] or {} for row in rows), QUARTILES, "s"),
    }
