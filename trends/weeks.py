"""Weeks of a service by their age, from the distributions by day."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import Project
from analytics.sketch import Sketch, merged, quantiles
from builds.models import Service
from trends.models import BuildDay

QUARTILES = (0.25, 0.5, 0.75)


SUMMED = ("builds", "failed", "succeeded", "spent_seconds", "cacheable_steps", "cached_steps")


def weeks_of(project: Project, weeks: int) -> dict[int, dict[int, dict[str, Any]]]:
    """Return by service and age of the week: ``builds, failed, succeeded, ended, spent_seconds,
    saved_seconds, cacheable_steps, cached_steps`` and ``quartiles`` of succeeded builds' wall time.
    """
    today = timezone.now().date()
    first = today - timedelta(days=7 * weeks - 1)
    days = BuildDay.objects.filter(service__project=project).within(first, today)
    rows = days.values("service_id", "day", *SUMMED, "saved_seconds", sketch=_WALL)
    groups: defaultdict[int, defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        groups[row["service_id"]][(today - row["day"]).days // 7].append(row)
    return {
        service: {age: _week(found) for age, found in ages.items()}
        for service, ages in groups.items()
    }


def _week(rows: list[Any]) -> dict[str, Any]:
    sums = {name: sum(row[name] for row in rows) for name in SUMMED}
    saved = [row["saved_seconds"] for row in rows if row["saved_seconds"] is not None]
    return {
        **sums,
        "ended": sums["succeeded"] + sums["failed"],
        "saved_seconds": sum(saved) if saved else None,
        "quartiles": quantiles(merged(row["sketch"] or {} for row in rows), QUARTILES, "s"),
    }


_WALL = F("sketches__wall_seconds")


def weekly(service: Service, group: Mapping[str, str], weeks: int) -> list[dict[str, Any]]:
    """Return a row for each week with builds: ``week`` (its age, 0 is the last seven days),
    ``succeeded``, and the ``quartiles`` of their wall seconds, ``None`` of none.

    ``group`` narrows the builds by columns of ``BuildDay``.
    """
    today = timezone.now().date()
    first = today - timedelta(days=7 * weeks - 1)
    days = BuildDay.objects.filter(service=service, **group).within(first, today)
    sketches: defaultdict[int, list[Sketch]] = defaultdict(list)
    counts: defaultdict[int, int] = defaultdict(int)
    rows = days.values_list("day", "succeeded", _WALL)
    for day, succeeded, sketch in rows:
        age = (today - day).days // 7
        counts[age] += succeeded
        sketches[age].append(sketch or {})
    return [
        {
            "week": age,
            "succeeded": counts[age],
            "quartiles": quantiles(merged(found), QUARTILES, "s"),
        }
        for age, found in sorted(sketches.items())
    ]
