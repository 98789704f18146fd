"""One metric of a service over time."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from buildinsights.charts import Chart, Spot, draw
from buildinsights.templatetags.formats import number, points, signed_ratio
from builds.crumbs import service_crumbs
from builds.models import Service
from builds.usual import NOTABLE_RATIO
from cache.models import StepDay
from cache.step_names import NamedStep, named
from trends.marks import marks_of
from trends.metrics import Metric
from trends.models import PartDay
from trends.series import NAMES, Grain, Trend, TrendForm, end_of, starts_between, trend_of

HOVER = {Grain.DAY: "%-d %b %Y", Grain.WEEK: "week from %-d %b %Y", Grain.MONTH: "%B %Y"}
"""How the time of a point is written."""

NUMBERS = "points"
"""The id of the table on the page."""


def trend_page(service: Service, query: QueryDict) -> dict[str, Any]:
    """Return the context; what is not a choice is said, and the usual is shown."""
    form = asked = TrendForm(service, query.dict())
    if not asked.is_valid():
        form = TrendForm(service, {})
        form.is_valid()
    found = trend_of(service, form)
    rows = [_row(service, form, found, point) for point in found.points]
    first, last = form.period
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "form": asked,
        "metric": found.metric,
        "step": _step(service, form),
        "grain": found.grain.label.lower(),
        "first": first,
        "last": last,
        "days": form.day_count,
        "whole": "?" + urlencode(_kept(query)) if form.is_part else "",
        "now": _shown(found.now, found.metric),
        "before": _shown(found.before, found.metric),
        "change": _change(found),
        "summary": _summary(found),
        "chart": _chart(service, form, found, rows, query),
        "missing": found.metric.missing if found.now["median"] is None else "",
        "numbers": NUMBERS,
        "rows": rows[::-1],
    }


def _step(service: Service, form: TrendForm) -> NamedStep | None:
    """Return the step that is shown as its newest build shows it, if it is one with a page."""
    if form.part is None or form.part[0] != PartDay.Part.STEP:
        return None
    identity = form.part[1]
    newest = StepDay.objects.filter(service=service, identity=identity).order_by("day").last()
    key = (service.pk, identity)
    return named({key: newest.last_build}).get(key) if newest else None


def _given(query: QueryDict) -> dict[str, str]:
    return {name: str(value) for name, value in query.items()}


def _kept(query: QueryDict) -> dict[str, str]:
    """Return what is asked for but when, and how fine."""
    return {
        name: value
        for name, value in _given(query).items()
        if value and name not in {"after", "before", "grain"}
    }


def _chart(
    service: Service, form: TrendForm, found: Trend, rows: list[dict[str, Any]], query: QueryDict
) -> dict[str, Any] | None:
    if not found.points:
        return None
    by_start = {row["start"]: row for row in rows}
    known = {point["start"]: point for point in found.points}
    starts = starts_between(found.points[0]["start"], found.points[-1]["start"], found.grain)
    address = reverse("api:service-trends", args=[service.slug])
    asked = urlencode({"project": service.project.slug} | _given(query))
    return draw(
        Chart(
            spots=[_spot(start, known.get(start), by_start.get(start)) for start in starts],
            unit=found.metric.unit,
            shown=found.metric.shown,
            summary=_summary(found),
            range_name="25 to 75 %",
            marks=marks_of(service, found.metric.name, form.period, form.group),
            hover=HOVER[found.grain],
            zoom="?" + urlencode(_kept(query)),
            links={
                "As JSON": f"{address}?{asked}",
                "As CSV": f"{address}?{asked}&format=csv",
            },
            table=NUMBERS,
        )
    )


def _spot(start: Any, point: dict[str, Any] | None, row: dict[str, Any] | None) -> Spot:
    """Return a point of the chart; a gap where no build is, or none of which the value is known."""
    if point is None or row is None:
        return Spot(start, None)
    lines = (
        f"Median: {row['median']}",
        f"25 to 75 %: {row['p25']} to {row['p75']}",
        f"{number(point['succeeded'])} of {number(point['builds'])} builds succeeded",
    )
    return Spot(
        start,
        point["median"],
        lines,
        row["href"],
        point["p25"],
        point["p75"],
        {"90 %": point["p90"], "95 %": point["p95"]},
    )


def _summary(found: Trend) -> str:
    known = [point["median"] for point in found.points if point["median"] is not None]
    if not known:
        return "No value is known in this period."
    shown = found.metric.shown
    return (
        f"{found.metric.label}: median by {found.grain.label.lower()} "
        f"{shown(min(known))} to {shown(max(known))}, last {shown(known[-1])}"
    )


def _shown(point: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """Return a point with its values as they are said."""
    return point | {name: metric.shown(point[name]) for name in NAMES}


def _change(found: Trend) -> dict[str, Any] | None:
    """Return how the median compares with that of the period before."""
    now, before = found.now["median"], found.before["median"]
    if now is None or not before:
        return None
    ratio = now - before if found.metric.unit == "ratio" else now / before - 1
    is_same = abs(ratio) < NOTABLE_RATIO
    verdict = "worse" if found.metric.worse(1 if ratio > 0 else -1) else "better"
    said = points(ratio) if found.metric.unit == "ratio" else signed_ratio(ratio)
    return {"value": said, "verdict": "same" if is_same else verdict}


def _row(service: Service, form: TrendForm, found: Trend, point: dict[str, Any]) -> dict[str, Any]:
    first, last = form.period
    start = max(point["start"], first)
    end = min(end_of(point["start"], found.grain), last)
    group = {
        ("platform" if name == "platforms" else name): value
        for name, value in form.group.items()
        if name != "branch_class" and "," not in value
    }
    query = {
        "service": service.slug,
        "after": start.isoformat(),
        "before": (end + timedelta(days=1)).isoformat(),
        **group,
    }
    listed = reverse("builds:list", args=[service.project.slug])
    return _shown(point, found.metric) | {"href": f"{listed}?{urlencode(query)}"}
