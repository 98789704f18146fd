"""Cache references that cost more than they give."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Sum
from django.urls import reverse

from accounts.models import Project
from buildkit.advising import interval_of_sum
from builds.models import Service
from cache.flags import Flag
from cache.models import ReferenceDay
from cache.periods import Period
from cache.references_page import references
from recommendations.drafts import WEEKS, WINDOW, Draft
from recommendations.models import Kind, Unit

COSTS: Mapping[str, Any] = {
    "costs-more": F("import_seconds")
    + F("pull_seconds")
    + F("export_seconds")
    - F("saved_seconds"),
    "unread": F("export_seconds"),
}
"""Seconds a day that a flag is about; the other flags are told where references are."""


def from_references(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield the references with a flag whose seconds are measured, over four weeks."""
    services = list(Service.objects.filter(project=project).order_by("name"))
    period = Period(now.date(), WINDOW.days)
    for row in references(project, period.now, [service.pk for service in services]):
        for flag in row["flags"]:
            if flag.name in COSTS:
                yield _draft(project, services, period, row, flag)


def _draft(
    project: Project, services: list[Service], period: Period, row: Mapping[str, Any], flag: Flag
) -> Draft:
    own = [service for service in services if service.pk in row["service_ids"]]
    costs = _by_day(project, period, row["reference"], flag)
    interval = interval_of_sum(costs)
    return Draft(
        kind=Kind.REFERENCE,
        key=f"{flag.name}\n{row['reference']}",
        title=f"{flag.title}: {row['reference']}",
        unit=Unit.SECONDS,
        worth=sum(costs) / WEEKS,
        low=interval[0] / WEEKS if interval else None,
        high=interval[1] / WEEKS if interval else None,
        why=(flag.why,),
        how=(flag.advice,),
        service=own[0] if len(own) == 1 else None,
        page=reverse("cache:references", args=[project.slug]),
        builds=row["exports"],
        measure="wall_seconds",
    )


def _by_day(project: Project, period: Period, reference: str, flag: Flag) -> list[float]:
    """Return what it cost on each day with an import or an export of it."""
    days = ReferenceDay.objects.filter(project=project, reference=reference).within(*period.now)
    sums = days.order_by("day").values("day").annotate(cost=Sum(COSTS[flag.name]))
    return [float(row["cost"]) for row in sums]
