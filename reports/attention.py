"""What somebody should look at: what is wrong, since which commit, because of what, what to do.

The number of queries does not grow with the number of services.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from buildinsights.templatetags.formats import duration, ratio
from builds.branches import BranchClass
from builds.models import Build
from ingest.models import IngestPayload
from recommendations.models import Kind, Recommendation, Unit
from recommendations.page import LEAST
from recommendations.page import line_of as worth_of
from reports.security_waiting import overdue_of
from trends.changes_page import line_of
from trends.models import Change

SEVERITIES = ["critical", "high", "medium", "low"]

MIN_BUILDS = 4
"""A week with fewer succeeded builds has no median worth an alarm."""

LARGE_CHANGE = 0.5
"""A level that changed by this share, or points of a ratio, is looked at first."""

MOST_CHANGES = 50
RECENT_WEEKS = 4
"""What changed earlier and is still so is the usual by now; it stays on the page of changes."""

NOTABLE_CHANGE_RATIO = 0.15
"""A median that rose less than this needs nobody's attention."""

ADVISED = ("wall_seconds", "hit_ratio_time")
"""What recommendations of time can mend: time, and what came from the cache."""

NOT_A_TRY = frozenset({BranchClass.DEFAULT, BranchClass.UNKNOWN})
"""Classes of branches whose builds are meant to succeed."""

type Item = dict[str, Any]
"""``severity, title, why, since, href, action``; ``service``, ``commit`` and ``advice`` or none."""


def attention_of(project: Project, rows: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return all that needs attention, the worst first; ``rows`` are those of the overview."""
    changes = _open_changes(project)
    items = [
        item | {"service": row["service"]}
        for row in rows
        for item in attention_items(row, changes[row["service"].pk])
    ]
    advice = _advice([item["service"].pk for item in items if item["is_advised"]])
    for item in items:
        item["advice"] = advice.get(item["service"].pk) if item["is_advised"] else None
    items += [*_failed_uploads(project), *_overdue_findings(project)]
    return sorted(items, key=lambda item: SEVERITIES.index(item["severity"]))


def attention_items(row: Mapping[str, Any], changes: Sequence[Change] = ()) -> list[Item]:
    """Return why somebody should look at a service, each with its evidence.

    ``changes`` are its open ones for the worse; a week's median says nothing beside one of them.
    """
    items = [_failing(row), *map(_changed, changes)]
    is_known = any(change.series.metric == "wall_seconds" for change in changes)
    return [item for item in (*items, None if is_known else _slower(row)) if item]


def commit_of(build: Build) -> dict[str, str] | None:
    """Return the commit of a build, and its author, or who asked this server for the build."""
    if not build.revision:
        return None
    request = getattr(build, "request", None)
    by = build.author or (request.requested_by if request else "")
    return {"revision": build.revision, "by": by, "href": build.get_absolute_url()}


def _open_changes(project: Project) -> defaultdict[int, list[Change]]:
    found: defaultdict[int, list[Change]] = defaultdict(list)
    changes = Change.objects.filter(series__service__project=project, is_worse=True).open().told()
    recent = changes.filter(found_at__gte=timezone.now() - timedelta(weeks=RECENT_WEEKS))
    related = recent.select_related("build__request", "build__project")
    for change in related.order_by("-found_at", "-pk")[:MOST_CHANGES]:
        found[change.series.service_id].append(change)
    return found


def _advice(services: Sequence[int]) -> dict[int, Item]:
    """Return what saves most time in each service; a change itself is told already."""
    if not services:
        return {}
    given = Recommendation.objects.filter(service__in=services, unit=Unit.SECONDS)
    to_do = given.to_do(timezone.now().date()).exclude(kind=Kind.CHANGE)
    worth_it = to_do.filter(worth__gte=LEAST[Unit.SECONDS]).select_related("project")
    best = worth_it.order_by("service_id", "-worth", "pk").distinct("service_id")
    return {row.service_id: recommendation_line(row) for row in best if row.service_id}


def recommendation_line(row: Recommendation) -> Item:
    """Return what a line about a recommendation shows."""
    return {"title": row.title, "worth": worth_of(row)["worth"], "href": row.get_absolute_url()}


def _changed(change: Change) -> Item:
    """A level changed: by how much, and by which step."""
    line = line_of(change)
    why = f"{line['before']} before, {line['after']} since"
    if line["step"]:
        why += f"; {ratio(line['share'])} of it by {line['step'][:120]}"
    if line["cause"]:
        why += f". {line['cause'][:200]}"
    return {
        "severity": "high" if abs(change.ratio) >= LARGE_CHANGE else "medium",
        "title": line["title"],
        "why": why,
        "since": change.build.listed_at,
        "commit": commit_of(change.build),
        "is_advised": change.series.metric in ADVISED,
        "href": change.get_absolute_url(),
        "action": "See the change",
    }


def _failing(row: Mapping[str, Any]) -> Item | None:
    """The newest builds failed; since the first of that unbroken run.

    What is tried elsewhere alarms nobody while the default branch builds.
    """
    of_default = [build for build in row["recent"] if build.branch in NOT_A_TRY]
    run = list(takewhile(_has_failed, of_default or row["recent"]))
    if not run:
        return None
    newest, oldest = run[0], run[-1]
    where = "" if of_default else f" on {newest.ref_name[:80]}"
    why = f"the last {len(run)} builds failed" if len(run) > 1 else "the last build failed"
    if newest.failure_message:
        why += f": {newest.failure_message.strip().splitlines()[0][:160]}"
    return {
        "severity": "high" if of_default else "medium",
        "title": f"{row['service'].name} does not build{where}",
        "why": why,
        "since": oldest.listed_at,
        "commit": commit_of(oldest),
        "is_advised": False,
        "href": newest.get_absolute_url(),
        "action": "See the failure",
    }


def _has_failed(build: Build) -> bool:
    return build.status in {Build.Status.FAILED, Build.Status.LOST}


def _slower(row: Mapping[str, Any]) -> Item | None:
    """The weekly median rose, on enough builds in both weeks; no one commit is to blame."""
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
        "since": timezone.now() - timedelta(weeks=1),
        "commit": None,
        "is_advised": True,
        "href": row["href"],
        "action": "See the trend",
    }


def _overdue_findings(project: Project) -> list[Item]:
    """The page of security has all that waits there; here is what is late."""
    found = overdue_of(project)
    return [found | {"service": None, "commit": None, "advice": None}] if found else []


def _failed_uploads(project: Project) -> list[Item]:
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
            "title": f"{count} upload{'s' if count > 1 else ''} could not be read",
            "why": "the bytes are kept and wait to be replayed or dismissed",
            "since": oldest.received_at,
            "service": None,
            "commit": None,
            "advice": None,
            "href": reverse("ingest:list", args=[project.slug]) + "?state=waiting",
            "action": "See them",
        }
    ]
