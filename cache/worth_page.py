"""Hits and savings: what the cache was worth, and what began the most costly misses."""

from typing import Any

from django.http import QueryDict

from accounts.models import Project
from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import ratio
from builds.weeks import week_axis, week_label
from cache.forms import WorthForm
from cache.misses import costly_steps, invalidators
from cache.tabs import cache_tabs
from cache.worth import Worth


def worth_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = WorthForm(project, query.dict())
    found = Worth(form.chosen_services, form.period, form.dimension)
    return {
        "tabs": cache_tabs(project, "cache:overview"),
        "form": form,
        "period": form.period,
        "now": found.totals["now"],
        "before": found.totals["before"],
        "dimension": form.dimension.label,
        "groups": found.groups,
        "trend": trend(found.weeks),
        "invalidators": invalidators(form.chosen_services, form.period.now),
        "steps": costly_steps(form.chosen_services, form.period.now),
    }


def trend(weeks: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Draw the weekly hit ratio by time.

    Weeks before the first build are left out.
    """
    first = next((at for at, week in enumerate(weeks) if week is not None), len(weeks))
    shown = weeks[first:]
    ratios = [week["hit_ratio_time"] if week else None for week in shown]
    drawn = shapes([None if value is None else (value,) * 3 for value in ratios], TREND)
    known = [value for value in ratios if value is not None]
    return {
        "points": drawn.points,
        "top": drawn.top,
        "summary": f"weekly hit ratio by time {ratio(min(known))} to {ratio(max(known))}, "
        f"now {ratio(known[-1])}"
        if known
        else "",
        "rows": [
            week | {"label": week_label(len(shown) - 1 - at)}
            for at, week in enumerate(shown)
            if week is not None
        ],
        "axis": week_axis(len(shown)),
    }
