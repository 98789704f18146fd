"""One metric of a service over time."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import points, signed_ratio
from builds.crumbs import service_crumbs
from builds.models import Service
from builds.usual import NOTABLE_RATIO
from builds.weeks import day_axis
from trends.metrics import Metric
from trends.series import NAMES, Grain, Trend, TrendForm, end_of, trend_of


def trend_page(service: Service, query: QueryDict) -> dict[str, Any]:
    """Return the context; what is not a choice is said, and the usual is shown."""
    form = TrendForm(service, query.dict())
    if not form.is_valid():
        form = TrendForm(service, {})
        form.is_valid()
    found = trend_of(service, form)
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "form": form,
        "metric": found.metric,
        "grain": found.grain.label.lower(),
        "now": _shown(found.now, found.metric),
        "before": _shown(found.before, found.metric),
        "change": _change(found),
        **_drawn(found),
        "rows": [_row(service, form, found, point) for point in reversed(found.points)],
        "query": query.urlencode(),
    }


def _drawn(found: Trend) -> dict[str, Any]:
    bands = [
        (point["p25"], point["median"], point["p75"]) if point["median"] is not None else None
        for point in found.points
    ]
    drawn = shapes(bands, TREND)
    known = [band[1] for band in bands if band]
    shown = found.metric.shown
    return {
        "points": drawn.points,
        "band": drawn.band,
        "top": shown(drawn.top),
        "axis": day_axis(found.points[0]["start"], found.points[-1]["start"])
        if found.points
        else [],
        "summary": f"{found.metric.label}: median by {found.grain.label.lower()} "
        f"{shown(min(known))} to {shown(max(known))}, last {shown(known[-1])}"
        if known
        else "No value is known in this period.",
    }


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
    end = end_of(point["start"], Grain(found.grain))
    group = {
        ("platform" if name == "platforms" else name): value
        for name, value in form.group.items()
        if name != "branch_class" and "," not in value
    }
    query = {
        "service": service.slug,
        "after": point["start"].isoformat(),
        "before": (end + timedelta(days=1)).isoformat(),
        **group,
    }
    listed = reverse("builds:list", args=[service.project.slug])
    return _shown(point, found.metric) | {"href": f"{listed}?{urlencode(query)}"}
