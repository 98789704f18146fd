"""The page about how a project gets on with its findings."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.charts import Chart, Spot, draw
from buildinsights.svg import SPARKLINE, shapes
from buildinsights.templatetags.formats import number
from security.models import Severity
from security.policy import policy_of
from security.remediation import (
    NO_BASE,
    Group,
    Remediation,
    RemediationForm,
    age_labels,
    remediation_of,
)
from security.severities import SHOWN, badge_of, word_of

NUMBERS = "days"
"""The id of the table of days on the page."""


def remediation_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = RemediationForm(project, query.dict())
    found = remediation_of(project, form)
    said = {name: value for name, value in form.cleaned_data.items() if value}
    listed = f"{reverse('security:findings', args=[project.slug])}?"
    narrowed = {name: said[name] for name in ("service", "environment") if name in said}
    return {
        "form": form,
        "found": found,
        "policy": policy_of(project.pk),
        "numbers": NUMBERS,
        "chart": _chart(project, found, said),
        "overdue_href": listed + urlencode(narrowed | {"due": "overdue"}),
        "soon_href": listed + urlencode(narrowed | {"due": "week"}),
        "open_href": listed + urlencode(narrowed | {"state": "open"}),
        "severities": [_severity(found, severity) for severity in SHOWN],
        "age_labels": age_labels(),
        "groups": [
            _groups("service", "service", "Services", found.services),
            _groups("environment", "environment", "Environments", found.environments),
            _groups("base", "base image", "Base images", found.bases),
        ],
        "days": [day for day in reversed(found.burn_down) if any(_values(day))],
    }


def _values(day: dict[str, Any]) -> list[int]:
    return [value for name, value in day.items() if name != "day"]


def _severity(found: Remediation, severity: Severity) -> dict[str, Any]:
    speed = found.speeds[severity]
    return {
        "label": word_of(severity),
        "badge": badge_of(severity),
        "ages": found.ages.get(severity, [0] * len(age_labels())),
        "speed": speed,
    }


def _groups(field: str, noun: str, title: str, groups: Sequence[Group]) -> dict[str, Any]:
    rows = [_group(group, group.name or NO_BASE) for group in groups]
    return {"field": field, "noun": noun, "title": title, "rows": rows}


def _group(group: Group, name: str) -> dict[str, Any]:
    line = shapes([(float(value),) * 3 for value in group.trend], SPARKLINE)
    ends = f"{number(group.trend[0])} to {number(group.trend[-1])} open" if group.trend else ""
    return {
        "name": name,
        "group": group,
        "points": line.points,
        "summary": ends,
        "verdict": "worse" if group.change > 0 else "better" if group.change < 0 else "same",
        "change": f"{group.change:+d}",
    }


def _chart(project: Project, found: Remediation, said: dict[str, Any]) -> dict[str, Any] | None:
    if not any(day["open"] for day in found.burn_down):
        return None
    address = reverse("api:remediation")
    asked = urlencode({"project": project.slug} | said)
    return draw(
        Chart(
            spots=[_spot(day) for day in found.burn_down],
            unit="",
            shown=number,
            summary=_summary(found),
            name="Open",
            links={
                "As JSON": f"{address}?{asked}",
                "As CSV": f"{address}?{asked}&format=csv",
            },
            table=NUMBERS,
        )
    )


def _spot(day: dict[str, Any]) -> Spot:
    names = [severity.label.lower() for severity in SHOWN]
    lines = (
        f"{number(day['open'])} open, {number(day['overdue'])} overdue",
        *(f"{name.capitalize()}: {number(day[name])}" for name in names),
    )
    bad = day["critical"] + day["high"]
    more = {"Critical and high": float(bad), "Overdue": float(day["overdue"])}
    return Spot(day["day"], float(day["open"]), lines, more=more)


def _summary(found: Remediation) -> str:
    start, end = found.burn_down[0], found.burn_down[-1]
    return (
        f"Open findings by day: {number(start['open'])} at first, {number(end['open'])} now;"
        f" overdue: {number(start['overdue'])} at first, {number(end['overdue'])} now"
    )
