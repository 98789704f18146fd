"""The first screen: is anything wrong, where, since when, what to do.

The number of queries does not grow with the number of services.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from buildinsights.svg import SPARKLINE, shapes
from buildinsights.templatetags.formats import duration
from builds.models import Build, Service
from builds.usual import verdict_of
from ingest.models import IngestPayload
from trends.changes_page import line_of
from trends.models import Change
from trends.weeks import weeks_of

WEEKS = 8
RECENT = 10
"""How many builds back a run of failures is followed."""

MIN_BUILDS = 4
"""A week with fewer succeeded builds has no median worth an alarm."""

LARGE_CHANGE = 0.5
"""A level that changed by this share, or points of a ratio, is looked at first."""

MOST_CHANGES = 50
RECENT_WEEKS = 4
"""What changed earlier and is still so is the usual by now; it stays on the page of changes."""

NOTABLE_CHANGE_RATIO = 0.15
"""A median that rose less than this needs nobody's attention."""

Week = dict[str, Any]


def overview_page(project: Project) -> dict[str, Any]:
    """Return the context of the overview."""
    services: list[Any] = list(_services(project))
    recent = _recent_builds(services)
    weekly = weeks_of(project, WEEKS)
    rows = [
        service_row(service, [recent[pk] for pk in service.build_ids], weekly.get(service.pk, {}))
        for service in services
    ]
    changes = _open_changes(project)
    attention = [
        item | {"service": row["service"]}
        for row in rows
        for item in attention_items(row, changes[row["service"].pk])
    ]
    attention += _failed_uploads(project)
    order = {item["href"] for item in attention}
    rows.sort(key=lambda row: (not _is_noted(row, order), row["service"].name))
    return {
        "attention": sorted(attention, key=lambda item: SEVERITIES.index(item["severity"])),
        "period": period([weeks[0] for weeks in weekly.values() if 0 in weeks]),
        "services": rows,
    }


SEVERITIES = ["critical", "high", "medium", "low"]


def _is_noted(row: Mapping[str, Any], hrefs: set[str]) -> bool:
    return row["href"] in hrefs or (row["last"] and row["last"].get_absolute_url() in hrefs)


def _services(project: Project) -> Any:
    newest = Build.objects.filter(service=OuterRef("pk")).newest_first()
    return (
        Service.objects.filter(project=project)
        .select_related("project")
        .annotate(build_ids=ArraySubquery(newest.values("pk")[:RECENT]))
    )


def _recent_builds(services: Sequence[Any]) -> dict[int, Build]:
    ids = [pk for service in services for pk in service.build_ids]
    builds = Build.objects.select_related("project", "service")
    return builds.defer("frontend_attrs", "labels", "build_args").in_bulk(ids)


def service_row(
    service: Service, recent: Sequence[Build], weeks: Mapping[int, Week]
) -> dict[str, Any]:
    """Return one line of the table; ``recent`` is newest first, ``weeks`` by age."""
    now, before = weeks.get(0, {}), weeks.get(1, {})
    median, median_before = _median(now), _median(before)
    cacheable, cached = now.get("cacheable_steps", 0), now.get("cached_steps", 0)
    return {
        "service": service,
        "href": service.get_absolute_url(),
        "recent": recent,
        "last": recent[0] if recent else None,
        "builds": now.get("builds", 0),
        "failed": now.get("failed", 0),
        "succeeded": now.get("succeeded", 0),
        "succeeded_before": before.get("succeeded", 0),
        "median_seconds": median,
        "median_before_seconds": median_before,
        "change_ratio": (median - median_before) / median_before
        if median is not None and median_before
        else None,
        "verdict": _verdict(now, before),
        "spark": _spark(weeks),
        "hit_ratio": cached / cacheable if cacheable else None,
        "hit_ratio_numerator": cached,
        "hit_ratio_denominator": cacheable,
        "image_bytes": next((b.image_bytes for b in recent if b.image_bytes is not None), None),
    }


def _verdict(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Judge a week's median against the week's before, or say nothing if too few builds made it."""
    median, median_before = _median(now), _median(before)
    if median is None or median_before is None:
        return ""
    enough = min(now["succeeded"], before["succeeded"]) >= MIN_BUILDS
    return verdict_of(median - median_before, median_before) if enough else ""


def _median(week: Mapping[str, Any]) -> float | None:
    quartiles = week.get("quartiles")
    return quartiles[1] if quartiles else None


def _spark(weeks: Mapping[int, Week]) -> dict[str, Any]:
    series = [weeks.get(age, {}).get("quartiles") for age in reversed(range(WEEKS))]
    known = [quartiles[1] for quartiles in series if quartiles]
    drawn = shapes([tuple(quartiles) if quartiles else None for quartiles in series], SPARKLINE)
    words = (
        f"{len(known)} weeks with succeeded builds, weekly median "
        f"{duration(min(known))} to {duration(max(known))}"
        if known
        else ""
    )
    return {"points": drawn.points, "band": drawn.band, "mark": None, "summary": words}


def attention_items(row: Mapping[str, Any], changes: Sequence[Change] = ()) -> list[dict[str, Any]]:
    """Return why somebody should look at a service, each with its evidence.

    ``changes`` are its open ones for the worse; a week's median says nothing beside one of them.
    """
    items = [_failing(row), *map(_changed, changes)]
    is_known = any(change.series.metric == "wall_seconds" for change in changes)
    return [item for item in (*items, None if is_known else _slower(row)) if item]


def _open_changes(project: Project) -> defaultdict[int, list[Change]]:
    found: defaultdict[int, list[Change]] = defaultdict(list)
    changes = Change.objects.filter(series__service__project=project, is_worse=True).open().told()
    recent = changes.filter(found_at__gte=timezone.now() - timedelta(weeks=RECENT_WEEKS))
    for change in recent.order_by("-found_at", "-pk")[:MOST_CHANGES]:
        found[change.series.service_id].append(change)
    return found


def _changed(change: Change) -> dict[str, Any]:
    """A level changed: by how much, and by which step."""
    line = line_of(change)
    why = f"{line['before']} before, {line['after']} since"
    if line["step"]:
        why += f"; {line['share']:.0%} of it by {line['step'][:120]}"
    if line["cause"]:
        why += f". {line['cause'][:200]}"
    return {
        "severity": "high" if abs(change.ratio) >= LARGE_CHANGE else "medium",
        "title": line["title"],
        "why": why,
        "since": change.build.listed_at,
        "href": change.get_absolute_url(),
        "action": "See the change",
    }


def _failing(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The newest builds failed; since the first of that unbroken run."""
    run: list[Build] = []
    for build in row["recent"]:
        if build.status not in {Build.Status.FAILED, Build.Status.LOST}:
            break
        run.append(build)
    if not run:
        return None
    name, newest, oldest = row["service"].name, run[0], run[-1]
    why = f"the last {len(run)} builds failed" if len(run) > 1 else "the last build failed"
    if newest.failure_message:
        why += f": {newest.failure_message.strip().splitlines()[0][:160]}"
    return {
        "severity": "high",
        "title": f"{name} does not build",
        "why": why,
        "since": oldest.listed_at,
        "href": newest.get_absolute_url(),
        "action": "See the failure",
    }


def _slower(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The weekly median rose, on enough builds in both weeks."""
    change = row["change_ratio"]
    enough = min(row["succeeded"], row["succeeded_before"]) >= MIN_BUILDS
    if change is None or change < NOTABLE_CHANGE_RATIO or not enough:
        return None
    now, before = duration(row["median_seconds"]), duration(row["median_before_seconds"])
    return {
        "severity": "medium",
        "title": f"{row['service'].name} takes {100 * change:.0f} % longer than the week before",
        "why": f"the median of {row['succeeded']} builds is {now}; "
        f"it was {before} over {row['succeeded_before']}",
        "since": row["last"].listed_at,
        "href": row["href"],
        "action": "See the trend",
    }


def _failed_uploads(project: Project) -> list[dict[str, Any]]:
    waiting = IngestPayload.objects.without_body().filter(
        project=project, state="failed", dismissed_at__isnull=True
    )
    oldest = waiting.order_by("received_at").first()
    if oldest is None:
        return []
    count = waiting.count()
    return [
        {
            "severity": "low",
            "service": None,
            "title": f"{count} upload{'s' if count > 1 else ''} could not be read",
            "why": "the bytes are kept and wait to be replayed or dismissed",
            "since": oldest.received_at,
            "href": reverse("ingest:list", args=[project.slug]) + "?state=waiting",
            "action": "See them",
        }
    ]


def period(weeks: Sequence[Week]) -> dict[str, Any]:
    """Add the last seven days of all services up."""
    ended = sum(week["ended"] for week in weeks)
    succeeded = sum(week["succeeded"] for week in weeks)
    saved = [week["saved_seconds"] for week in weeks if week["saved_seconds"] is not None]
    return {
        "label": "the last 7 days",
        "against": "the 7 days before",
        "builds": sum(week["builds"] for week in weeks),
        "ended": ended,
        "succeeded": succeeded,
        "succeeded_ratio": succeeded / ended if ended else None,
        "time_spent_seconds": sum(week["spent_seconds"] or 0.0 for week in weeks),
        "time_saved_seconds": sum(saved) if saved else None,
    }
