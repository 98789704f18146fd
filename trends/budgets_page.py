"""Budgets of a service, held against its last builds."""

from typing import Any

from builds.crumbs import service_crumbs
from builds.models import Build, Service
from trends.budgets import judge
from trends.models import Budget

LAST_BUILDS = 50
"""Succeeded builds among which the last of each budget's target and variant is looked for."""


def budgets_page(service: Service) -> dict[str, Any]:
    """Return the context."""
    budgets = Budget.objects.filter(service=service).order_by("metric", "target", "variant")
    last = _last_judged(service)
    return {
        "service": service,
        "crumbs": service_crumbs(service),
        "rows": [_row(budget, last.get(budget.pk)) for budget in budgets],
    }


def _last_judged(service: Service) -> dict[int, tuple[Build, float | None, str]]:
    """Return the last build that each budget is about, with its value and state, by budget."""
    builds = Build.objects.filter(service=service).succeeded().newest_first()
    found: dict[int, tuple[Build, float | None, str]] = {}
    groups: set[tuple[str, str]] = set()
    for build in builds.select_related("project")[:LAST_BUILDS]:
        if (build.target, build.variant) not in groups:
            groups.add((build.target, build.variant))
            for item in judge(build):
                found.setdefault(item.budget.pk, (build, item.value, item.state))
    return found


BADGES = {"kept": "succeeded", "exceeded": "failed"}


def _row(budget: Budget, last: tuple[Build, float | None, str] | None) -> dict[str, Any]:
    build, value, state = last or (None, None, "")
    return {
        "budget": budget,
        "build": build,
        "value": budget.means.shown(value),
        "state": state,
        "badge": BADGES.get(state, ""),
    }
