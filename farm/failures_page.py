"""Failures grouped by fingerprint: how many builds, of which services, since when, how often."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from buildinsights.svg import SPARKLINE, shapes
from buildkit.failure_classes import MEANINGS, TRANSIENT, FailureClass
from builds.aggregates import age_in_days
from builds.models import Build
from builds.querysets import BuildQuerySet

DAYS = 30
PERIOD = timedelta(days=DAYS)
RECENT = timedelta(days=7)
SHOWN = 50


def failures_page(project: Project) -> dict[str, Any]:
    """Return the groups of the last 30 days, those that hit most builds first."""
    failed = Build.objects.filter(project=project, listed_at__gt=Now() - PERIOD).failed()
    recent = Count("pk", filter=Q(listed_at__gt=Now() - RECENT))
    rows = list(grouped(failed).annotate(recent=recent)[:SHOWN])
    last = Build.objects.select_related("project", "service").in_bulk(
        [row["last_build"] for row in rows]
    )
    a_day = _by_day(failed, [row["failure_fingerprint"] for row in rows])
    listed = reverse("builds:list", args=[project.slug])
    return {
        "groups": [
            _group(dict(row), last[row["last_build"]])
            | {
                "trend": _trend(a_day[row["failure_fingerprint"]]),
                "href": f"{listed}?{_query(row)}",
            }
            for row in rows
        ]
    }


def grouped(failed: BuildQuerySet) -> Any:
    """Return failed builds by fingerprint, those that hit most builds first."""
    groups = failed.exclude(failure_fingerprint="").order_by()
    return (
        groups.values("failure_fingerprint", "failure_class")
        .annotate(
            builds=Count("pk"),
            services=ArrayAgg("service__name", distinct=True),
            first_seen=Min("listed_at"),
            last_seen=Max("listed_at"),
            last_build=Max("pk"),
        )
        .order_by("-builds", "-last_seen")
    )


def class_of(name: str) -> FailureClass:
    """Return the class that a build was given, or the one of all else."""
    return FailureClass(name) if name in FailureClass else FailureClass.OTHER


def _query(row: Mapping[str, Any]) -> str:
    """Return the filters that list the builds of a group."""
    after = (timezone.now() - PERIOD).date()
    return urlencode({"failure_fingerprint": row["failure_fingerprint"], "after": after})


def _by_day(failed: BuildQuerySet, fingerprints: list[str]) -> dict[str, dict[int, int]]:
    """Return how many builds failed so on each day, by its age in days."""
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    days = (
        failed.filter(failure_fingerprint__in=fingerprints)
        .order_by()
        .values("failure_fingerprint", day=age_in_days("listed_at"))
        .annotate(builds=Count("pk"))
    )
    for row in days:
        counts[row["failure_fingerprint"]][row["day"]] = row["builds"]
    return counts


def _trend(by_day: Mapping[int, int]) -> dict[str, str]:
    """Draw builds a day, oldest first; a day without any is zero."""
    counts = [float(by_day.get(age, 0)) for age in reversed(range(DAYS))]
    drawn = shapes([(count, count, count) for count in counts], SPARKLINE)
    most = max(by_day.values(), default=0)
    days = len(by_day)
    words = f"on {days} of {DAYS} days, at most {most} a day"
    return {"points": drawn.points, "summary": words}


def _group(row: dict[str, Any], build: Build) -> dict[str, Any]:
    failure_class = class_of(row["failure_class"])
    earlier = row["builds"] - row["recent"]
    weeks = max(1.0, (PERIOD - RECENT) / RECENT)
    return row | {
        "build": build,
        "title": MEANINGS[failure_class].title,
        "transient": failure_class in TRANSIENT,
        "is_new": row["first_seen"] > timezone.now() - RECENT,
        "usual_recent": earlier / weeks,
    }
