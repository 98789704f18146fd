"""Hits and savings: what the cache was worth, and what began the most costly misses."""

from typing import Any

from django.http import QueryDict
from django.utils import timezone

from accounts.models import Project
from buildinsights.svg import TREND, shapes
from buildinsights.templatetags.formats import ratio
from builds.weeks import week_axis, week_label
from cache.forms import WorthForm
from cache.tabs import cache_tabs
from cache.worth import Period, Worth


def worth_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = WorthForm(project, query.dict())
    period = Period(timezone.now().date(), form.chosen_days)
    found = Worth(form.chosen_services, period, form.dimension)
    return {
        "tabs": cache_tabs(project, "cache:overview"),
        "form": form,
        "period": period,
        "now": found.totals["now"],
        "before": found.totals["before"],
        "dimension": form.dimension.label,
        "groups": found.groups,
        "trend": trend(found.weeks),
        "invalidators": found.invalidators(),
        "steps": found.costly_steps(),
    }


def trend(weeks: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Draw the weekly hit ratio by time, on a scale from the lowest possible to what was reached.

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
