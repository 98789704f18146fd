"""One page for a screen on the wall: nobody touches it, and it is read from far away."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count
from django.utils import timezone

from accounts.models import Project
from builds.models import Build
from reports.overview import overview_page

TILES = 12
"""Services that fit on the screen; more are shown by turns."""

FITS = (4, 6, 9, TILES)
"""Numbers of tiles that a grid is made for: few services get large ones."""

TURN_SECONDS = 20
MOST_ATTENTION, MOST_RUNNING, MOST_QUEUED, MOST_FAILURES = 4, 2, 1, 3
"""What fits beside the tiles; how many there are is said."""

LIVE = timedelta(days=1)
"""A build that began earlier and has not ended is not what runs now."""

DARK, LIGHT = "dark", "light"
FAILED = (Build.Status.FAILED, Build.Status.LOST)


def wall_page(project: Project, theme: str) -> dict[str, Any]:
    """Return the context; which services have their turn is told by the clock alone."""
    now = timezone.now()
    page = overview_page(project)
    attention = page["attention"]
    noted = {item["service"].pk for item in attention if item["service"]}
    tiles = sorted((tile(row, noted) for row in page["services"]), key=_worst_first)
    turns = max(1, ceil(len(tiles) / TILES))
    at_once = ceil(len(tiles) / turns)
    turn = int(now.timestamp() // TURN_SECONDS) % turns
    return {
        "theme": LIGHT if theme == LIGHT else DARK,
        "as_of": now,
        "newest_at": max(
            (row["last"].listed_at for row in page["services"] if row["last"]), default=None
        ),
        "attention": attention[:MOST_ATTENTION],
        "more_attention": max(0, len(attention) - MOST_ATTENTION),
        "broken": sum(item["state"] == "failed" for item in tiles),
        "worse": sum(item["state"] == "medium" for item in tiles),
        "period": page["period"],
        "tiles": tiles[turn * at_once : (turn + 1) * at_once],
        "fit": next(fit for fit in FITS if at_once <= fit),
        "services": len(tiles),
        "turn": turn + 1,
        "turns": turns,
        "turn_seconds": TURN_SECONDS,
        **_live(project, now),
        "failures": list(_failures(project)),
    }


def tile(row: Mapping[str, Any], noted: set[int]) -> dict[str, Any]:
    """Return a service's row of the overview with one state: failed, medium (worse) or its last."""
    last = row["last"]
    state = last.status if last else ""
    if state in FAILED:
        state = "failed"
    elif row["service"].pk in noted:
        state = "medium"
    return {**row, "state": state, "word": WORDS.get(state, "")}


def _worst_first(found: Mapping[str, Any]) -> tuple[int, str]:
    states = ("failed", "medium")
    state = found["state"]
    return states.index(state) if state in states else len(states), found["service"].name


WORDS = {
    "failed": "Broken",
    "medium": "Worse",
    "succeeded": "Good",
    "running": "Running",
    "queued": "Queued",
    "canceled": "Canceled",
    "": "No build",
}


def _live(project: Project, now: datetime) -> dict[str, Any]:
    """Return builds that run and that wait, those that began first, and how many there are."""
    statuses = [Build.Status.RUNNING, Build.Status.QUEUED]
    live = Build.objects.filter(project=project, status__in=statuses, listed_at__gte=now - LIVE)
    counts = dict(live.order_by().values_list("status").annotate(Count("pk")))
    oldest = live.select_related("service").only(
        "status", "listed_at", "started_at", "ref_name", "service__name"
    )
    return {
        "running": _first(oldest.filter(status=Build.Status.RUNNING), MOST_RUNNING, now),
        "queued": _first(oldest.filter(status=Build.Status.QUEUED), MOST_QUEUED, now),
        "running_count": counts.get(Build.Status.RUNNING, 0),
        "queued_count": counts.get(Build.Status.QUEUED, 0),
    }


def _first(builds: Any, most: int, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "service": build.service.name,
            "ref_name": build.ref_name,
            "seconds": max(0.0, (now - (build.started_at or build.listed_at)).total_seconds()),
        }
        for build in builds.order_by("listed_at", "pk")[:most]
    ]


def _failures(project: Project) -> Any:
    failed = Build.objects.filter(project=project, status__in=FAILED)
    columns = ("listed_at", "ref_name", "failure_class", "failure_message", "service__name")
    return failed.select_related("service").only(*columns).newest_first()[:MOST_FAILURES]
