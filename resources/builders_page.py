"""The list of builders."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from cache.models import CacheDay
from farm.models import Builder
from resources.forms import DaysForm
from resources.models import BuilderHour, Finding
from resources.series import told_sums
from resources.verdicts import short_verdict

MOST_BUILDERS = 100
"""Rows that are shown: CI systems may name a builder for each of their jobs."""


def builders_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context: rows as ``builders_of`` has them, with their addresses."""
    form = DaysForm.lenient(query.dict())
    rows = builders_of(project, form.since)
    for row in rows:
        row["href"] = reverse("resources:builder", args=[project.slug, row["name"]])
        row["verdict"] = short_verdict(row["slots"])
    return {
        "form": form,
        "rows": rows,
        "is_cut": len(rows) == MOST_BUILDERS,
        "unsaid": unsaid_builds(project, form),
    }


def builders_of(
    project: Project, since: datetime, until: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the builders with builds since then, those with most first, ``MOST_BUILDERS``.

    Of builds later than ``until``, if that is said, nothing is told.

    ``slots`` is what is found of them: ``analytics.slots.Slots``, or ``None`` before the first
    time; ``slots_now`` what the queue gives them, ``None`` of builders that it does not know.
    """
    hours = BuilderHour.objects.filter(project=project).since(since)
    sums = (hours.filter(hour__lt=until) if until else hours).summed("builder")
    rows = list(sums.order_by("-busy_seconds", "builder")[:MOST_BUILDERS])
    names = [row["builder"] for row in rows]
    now = dict(Builder.objects.filter(name__in=names).values_list("name", "slots"))
    found = dict(
        Finding.objects.filter(project=project, builder__in=names).values_list("builder", "found")
    )
    return [_row(row, found.get(row["builder"], {}), now) for row in rows]


def _row(row: Mapping[str, Any], found: Mapping[str, Any], now: Mapping[str, int]) -> Any:
    return {
        "name": row["builder"],
        **told_sums(row),
        "most_at_once": row["most_at_once"],
        "memory_peak_bytes": row["memory_peak_bytes"],
        "memory_total_bytes": row["memory_total_bytes"],
        "last_hour": row["last_hour"],
        "slots": found.get("slots"),
        "slots_now": now.get(row["builder"]),
    }


def unsaid_builds(project: Project, form: DaysForm) -> int:
    """Return how many builds of the period do not say on which builder they were."""
    days = CacheDay.objects.filter(service__project=project, builder="")
    within = days.within(form.since.date(), timezone.now().date())
    return within.aggregate(found=Sum("builds"))["found"] or 0
