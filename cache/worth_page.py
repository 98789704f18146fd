"""Hits and savings: what the cache was worth, and what began the most costly misses."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.charts import Chart, Spot, draw
from buildinsights.templatetags.formats import number, ratio
from builds.weeks import week_days, week_label
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
        "trend": _trend(project, form, found.weeks),
        "invalidators": invalidators(form.chosen_services, form.period.now),
        "steps": costly_steps(form.chosen_services, form.period.now),
    }


type Weeks = list[dict[str, Any] | None]


def _trend(project: Project, form: WorthForm, weeks: Weeks) -> dict[str, Any]:
    """Return the weekly hit ratio by time as ``rows`` and ``chart``, with a ``summary``.

    Weeks before the first build are left out.
    """
    first = next((at for at, week in enumerate(weeks) if week is not None), len(weeks))
    shown = weeks[first:]
    ratios = [week["hit_ratio_time"] if week else None for week in shown]
    known = [value for value in ratios if value is not None]
    summary = (
        f"weekly hit ratio by time {ratio(min(known))} to {ratio(max(known))}, "
        f"now {ratio(known[-1])}"
        if known
        else ""
    )
    return {
        "summary": summary,
        "chart": _chart(project, form, shown, summary),
        "rows": [
            week | {"label": week_label(len(shown) - 1 - at)}
            for at, week in enumerate(shown)
            if week is not None
        ],
    }


def _chart(project: Project, form: WorthForm, weeks: Weeks, summary: str) -> dict[str, Any] | None:
    slug = form.cleaned_data.get("service", "")
    asked = {"project": project.slug, "service": slug, "days": form.period.days}
    api = f"{reverse('api:cache')}?{urlencode({k: v for k, v in asked.items() if v})}"
    return draw(
        Chart(
            spots=[
                _spot(project, slug, week, week_days(len(weeks) - 1 - at, form.period.last))
                for at, week in enumerate(weeks)
            ],
            unit="ratio",
            shown=ratio,
            summary=summary,
            name="Hit ratio by time",
            hover="week from %-d %b %Y",
            links={"As JSON": api, "As CSV": f"{api}&table=weeks&format=csv"},
        )
    )


def _spot(
    project: Project, slug: str, week: dict[str, Any] | None, days: tuple[date, date]
) -> Spot:
    """Return the hit ratio of a week, which leads to its builds."""
    after, before = days
    if week is None or week["hit_ratio_time"] is None:
        return Spot(after, None)
    query = {"after": after.isoformat(), "before": before.isoformat()}
    if slug:
        query["service"] = slug
    lines = [
        f"Hit ratio by time: {ratio(week['hit_ratio_time'])}",
        f"{number(week['builds'])} builds",
    ]
    href = f"{reverse('builds:list', args=[project.slug])}?{urlencode(query)}"
    return Spot(after, week["hit_ratio_time"], lines, href)
