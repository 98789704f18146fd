"""What a project builds for: each platform's builds of four weeks against the four before."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts.models import Project
from builds.usual import verdict_of
from resources.emulation import DAYS, emulation_of
from trends.models import BuildDay
from trends.weeks import SUMMED, added_up

MIN_BUILDS = 4
"""Fewer succeeded builds have no median worth a judgement."""

type Row = dict[str, Any]


def platforms_page(project: Project) -> dict[str, Any]:
    """Return the context."""
    single, together = platform_rows(project)
    return {
        "single": single,
        "together": together,
        "emulation": emulation_of(project),
        "min_builds": MIN_BUILDS,
    }


def platform_rows(project: Project) -> tuple[list[Row], list[Row]]:
    """Return a row for each platform, and one for each set of several that builds were for.

    A build for two platforms counts to both: it has one wall time, which is of both.
    """
    now, before = _groups(project)
    return _rows(_by_platform(now), _by_platform(before)), _rows(_several(now), _several(before))


def told_platforms(project: Project) -> dict[str, Any]:
    """Return the same for machines."""
    single, together = platform_rows(project)
    return {"platforms": single, "together": together, "emulation": emulation_of(project)}


type Groups = dict[str, list[Any]]
"""Rows of days by platforms, which have commas between."""


def _groups(project: Project) -> tuple[Groups, Groups]:
    """Return the days of this period, and those of the one before."""
    today = timezone.now().date()
    days = BuildDay.objects.filter(service__project=project)
    rows = days.within(today - timedelta(days=2 * DAYS - 1), today).values(
        "day", "platforms", *SUMMED, "saved_seconds", sketch=F("sketches__wall_seconds")
    )
    now: Groups = defaultdict(list)
    before: Groups = defaultdict(list)
    for row in rows:
        is_now = (today - row["day"]).days < DAYS
        (now if is_now else before)[row["platforms"]].append(row)
    return now, before


def _by_platform(groups: Groups) -> Groups:
    found: Groups = defaultdict(list)
    for platforms, rows in groups.items():
        for platform in set(platforms.split(",")):
            found[platform] += rows
    return found


def _several(groups: Groups) -> Groups:
    return {platforms: rows for platforms, rows in groups.items() if "," in platforms}


def _rows(now: Groups, before: Groups) -> list[Row]:
    """Return a row for each, those with most builds now first."""
    found = [
        _row(platforms, added_up(now.get(platforms, [])), added_up(before.get(platforms, [])))
        for platforms in sorted({*now, *before})
    ]
    return sorted(found, key=lambda row: -row["now"]["builds"])


def _row(platforms: str, now: Row, before: Row) -> Row:
    told, earlier = _told(now), _told(before)
    median, usual = told["median_seconds"], earlier["median_seconds"]
    enough = min(told["succeeded"], earlier["succeeded"]) >= MIN_BUILDS
    is_known = median is not None and bool(usual)
    return {
        "platforms": [name for name in platforms.split(",") if name],
        "now": told,
        "before": earlier,
        "change_ratio": median / usual - 1 if is_known else None,
        "verdict": verdict_of(median - usual, usual) if is_known and enough else "",
    }


def _told(week: Mapping[str, Any]) -> Row:
    counts = ("builds", "succeeded", "ended", "cacheable_steps", "cached_steps")
    quartiles = week["quartiles"]
    return {
        **{name: week[name] for name in counts},
        "median_seconds": quartiles[1] if quartiles else None,
        "success_ratio": _ratio(week["succeeded"], week["ended"]),
        "hit_ratio": _ratio(week["cached_steps"], week["cacheable_steps"]),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
