"""What to change of Dockerfiles, ranked by what it is worth, and what came of advice."""

from typing import Any

from django.http import QueryDict

from accounts.models import Project
from buildkit.advising.effects import ENOUGH
from cache.forms import ServiceForm
from cache.models import Advised, LayerAdvice
from cache.tabs import cache_tabs

LEAST_SECONDS = 1.0
"""A week: what is worth less is counted, and not shown."""

MOST = 50
"""Pieces of advice that are shown, those worth most."""


def advice_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = ServiceForm(project, query.dict())
    services = [service.pk for service in form.chosen_services]
    rows = LayerAdvice.objects.filter(service__in=services).select_related("service__project")
    given = rows.filter(since=None).order_by("-seconds_a_week", "pk")
    worth_it = given.filter(seconds_a_week__gte=LEAST_SECONDS)
    return {
        "tabs": cache_tabs(project, "cache:advice"),
        "form": form,
        "advice": [{"row": row, "lines": diff_lines(row.diff)} for row in worth_it[:MOST]],
        "little": given.filter(seconds_a_week__lt=LEAST_SECONDS).count(),
        "followed": list(rows.exclude(since=None).order_by("-since", "pk")[:MOST]),
        "advised": list(
            Advised.objects.filter(service__in=services)
            .select_related("service")
            .order_by("service__name")
        ),
        "enough": ENOUGH,
    }


def diff_lines(diff: str) -> list[tuple[str, str]]:
    """Return each line of a diff with what it is: added, removed, place or the same."""
    marks = {"+": "added", "-": "removed", "@": "place"}
    return [(marks.get(line[:1], "same"), line) for line in diff.splitlines()]
