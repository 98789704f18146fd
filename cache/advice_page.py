"""What to change of Dockerfiles, ranked by what it is worth, and what came of advice."""

from typing import Any

from django.http import QueryDict

from accounts.models import Project
from buildkit.advising import Kind
from buildkit.advising.effects import ENOUGH
from cache.forms import ServiceForm
from cache.models import Advised, LayerAdvice
from cache.tabs import cache_tabs

TITLES = {
    Kind.INSTALL: "Late install",
    Kind.ARGUMENT: "Early argument",
    Kind.IGNORE: "Files to ignore",
    Kind.ORDER: "Order of steps",
    Kind.MOUNT: "Cache mount",
}
UNNAMED = "stage-"
"""What BuildKit calls a stage without a name, with a number."""

NAMES = 2
"""Lines at the beginning of a diff that name its file."""

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
        "advice": [_shown(row) for row in worth_it[:MOST]],
        "little": given.filter(seconds_a_week__lt=LEAST_SECONDS).count(),
        "followed": list(rows.exclude(since=None).order_by("-since", "pk")[:MOST]),
        "advised": list(
            Advised.objects.filter(service__in=services)
            .select_related("service")
            .order_by("service__name")
        ),
        "enough": ENOUGH,
    }


def _shown(row: LayerAdvice) -> dict[str, Any]:
    has_name = not row.stage.startswith(UNNAMED)
    return {
        "row": row,
        "kind": TITLES[Kind(row.kind)],
        "stage": row.stage if has_name else "",
        "lines": diff_lines(row.diff),
    }


def diff_lines(diff: str) -> list[dict[str, str]]:
    """Return each line of a diff as ``kind`` and ``text``, which is without the sign."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = diff.splitlines()
    names = [{"kind": "place", "text": line} for line in lines[:NAMES]]
    return names + [
        {
            "kind": (kind := kinds.get(line[:1], "same")),
            "text": line if kind == "place" else line[1:],
        }
        for line in lines[NAMES:]
    ]
