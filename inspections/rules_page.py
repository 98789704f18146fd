"""The page of BuildKit's own checks."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from buildinsights.svg import SPARKLINE, shapes
from builds.build_list import active_filters
from inspections.filters import RuleFilter
from inspections.models import Rule, RuleLook

LOOKS = 30
"""Looks at one target of which the trend is drawn."""

type Group = tuple[int, str]


def rules_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the page: broken rules, those that were mended last."""
    own = Rule.objects.filter(project=project)
    filters = RuleFilter(request.GET, queryset=own.with_state().told())
    page = page_of(request, filters.qs if filters.is_valid() else own.none(), ("name", "id"))
    groups = {(rule.service_id, rule.target) for rule in page.rows}
    looks = by_group(RuleLook.objects.of_main_line().of_groups(groups, LOOKS))
    rows = [_row(rule, looks.get((rule.service_id, rule.target), [])) for rule in page.rows]
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("inspections:rules", args=[project.slug]),
        "rows": sorted(rows, key=lambda row: not row["rule"].is_broken),
        "page": page,
        "summary": f"{len(rows)} rule{'' if len(rows) == 1 else 's'}, those that are broken first",
        "looked_at": RuleLook.objects.filter(project=project).exists(),
    }


def by_group(looks: Iterable[RuleLook]) -> dict[Group, list[RuleLook]]:
    """Return looks by service and target, the oldest first; of each revision the last alone.

    So a run of the checks and the build of the same commit count once.
    """
    found: dict[Group, dict[object, RuleLook]] = {}
    for look in looks:
        group = found.setdefault((look.service_id, look.target), {})
        name = look.revision or look.pk
        group.pop(name, None)
        group[name] = look
    return {group: list(named.values()) for group, named in found.items()}


def _row(rule: Rule, looks: Sequence[RuleLook]) -> dict[str, Any]:
    counts = [int(look.counts.get(rule.name, 0)) for look in looks]
    drawn = shapes([(count, count, count) for count in counts], SPARKLINE)
    return {
        "rule": rule,
        "badge": "failed" if rule.is_broken else "succeeded",
        "state": "Broken" if rule.is_broken else "Mended",
        "places": [_place(item) for item in rule.places],
        "more": rule.count - len(rule.places),
        "trend": {"points": drawn.points, "summary": _summary(counts)},
    }


def _summary(counts: Sequence[int]) -> str:
    if not counts:
        return ""
    return f"{len(counts)} looks, {counts[0]} places at first and {counts[-1]} in the newest"


def _place(item: dict[str, Any]) -> dict[str, str]:
    lines = ", ".join(
        str(first) if first == last else f"{first} to {last}" for first, last in item["lines"]
    )
    where = f"{item['file'] or 'Dockerfile'}{f', line {lines}' if lines else ''}"
    return {"where": where, "detail": item["detail"]}
