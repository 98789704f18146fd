"""The first screen: is anything wrong, where, since when, what to do.

The number of queries does not grow with the number of services.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.svg import SPARKLINE, shapes
from buildinsights.templatetags.formats import duration
from builds.branches import branch_class
from builds.build_list import active_filters
from builds.filters import ServiceFilter
from builds.models import Build, Service
from builds.usual import verdict_of
from reports.attention import MIN_BUILDS, attention_of
from trends.weeks import weeks_of

WEEKS = 8
RECENT = 10
"""How many builds back a run of failures is followed."""

Week = dict[str, Any]


def overview_page(project: Project) -> dict[str, Any]:
    """Return the context of the overview."""
    weekly = weeks_of(project, WEEKS)
    rows = rows_of(project, weekly)
    attention = attention_of(project, rows)
    noted = [item["service"].pk for item in attention if item["service"]]
    place = {pk: at for at, pk in reversed(list(enumerate(noted)))}
    rows.sort(key=lambda row: (place.get(row["service"].pk, len(noted)), row["service"].name))
    return {
        "attention": attention,
        "period": period([weeks[0] for weeks in weekly.values() if 0 in weeks]),
        "services": rows,
    }


def services_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list; a filter that is wrong says so and finds nothing."""
    page = overview_page(project)
    services = [row["service"] for row in page["services"]]
    known = Service.objects.filter(project=project)
    filters = ServiceFilter(request.GET, queryset=known)
    form = filters.offer({label for service in services for label in service.written_labels})
    active = active_filters(filters, request.GET)
    if active:
        found: Any = filters.qs if filters.is_valid() else known.none()
        kept = set(found.values_list("pk", flat=True))
        page["services"] = [row for row in page["services"] if row["service"].pk in kept]
    return page | {
        "filter_form": form,
        "active_filters": active,
        "reset": reverse("services:list", args=[project.slug]),
    }


def rows_of(project: Project, weekly: Mapping[int, Mapping[int, Week]]) -> list[dict[str, Any]]:
    """Return a line for each service, by the weeks that ``weeks_of`` has."""
    services: list[Any] = list(_services(project))
    recent = _recent_builds(services)
    return [
        service_row(service, [recent[pk] for pk in service.build_ids], weekly.get(service.pk, {}))
        for service in services
    ]


def _services(project: Project) -> Any:
    newest = Build.objects.filter(service=OuterRef("pk")).newest_first()
    return (
        Service.objects.filter(project=project)
        .select_related("project")
        .annotate(build_ids=ArraySubquery(newest.values("pk")[:RECENT]))
    )


def _recent_builds(services: Sequence[Any]) -> dict[int, Build]:
    ids = [pk for service in services for pk in service.build_ids]
    builds = Build.objects.select_related("project", "service", "request")
    builds = builds.annotate(branch=branch_class())
    return builds.defer("frontend_attrs", "labels", "build_args", "request__said").in_bulk(ids)


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
