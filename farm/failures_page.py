"""Failures grouped by fingerprint: how many builds, of which services, since when, lately."""

from datetime import timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Project
from buildkit.failure_classes import MEANINGS, TRANSIENT, FailureClass
from builds.models import Build

PERIOD = timedelta(days=30)
RECENT = timedelta(days=7)
SHOWN = 50


def failures_page(project: Project) -> dict[str, Any]:
    """Return the groups of the last 30 days, those that hit most builds first."""
    failed = Build.objects.filter(project=project, listed_at__gt=Now() - PERIOD).filter(
        status__in=[Build.Status.FAILED, Build.Status.LOST]
    )
    groups = (
        failed.exclude(failure_fingerprint="")
        .order_by()
        .values("failure_fingerprint", "failure_class")
        .annotate(
            builds=Count("pk"),
            recent=Count("pk", filter=Q(listed_at__gt=Now() - RECENT)),
            services=ArrayAgg("service__name", distinct=True),
            first_seen=Min("listed_at"),
            last_seen=Max("listed_at"),
            last_build=Max("pk"),
        )
        .order_by("-builds", "-last_seen")[:SHOWN]
    )
    rows = list(groups)
    last = Build.objects.select_related("project", "service").in_bulk(
        [row["last_build"] for row in rows]
    )
    return {"groups": [_group(dict(row), last[row["last_build"]]) for row in rows]}


def _group(row: dict[str, Any], build: Build) -> dict[str, Any]:
    known = row["failure_class"] in FailureClass
    failure_class = FailureClass(row["failure_class"]) if known else FailureClass.OTHER
    earlier = row["builds"] - row["recent"]
    weeks = max(1.0, (PERIOD - RECENT) / RECENT)
    return row | {
        "build": build,
        "title": MEANINGS[failure_class].title,
        "transient": failure_class in TRANSIENT,
        "is_new": row["first_seen"] > timezone.now() - RECENT,
        "usual_recent": earlier / weeks,
    }
