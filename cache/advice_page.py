"""What to change of Dockerfiles, ranked by what it is worth, and what came of advice."""

from typing import Any

from django.http import QueryDict
from django.utils import timezone

from accounts.models import Project
from buildkit.advising import Kind
from buildkit.advising.effects import ENOUGH
from cache.decisions import DecisionForm
from cache.forms import ServiceForm
from cache.models import AdviceDecision, Advised, LayerAdvice
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
    today = timezone.now().date()
    given = rows.to_do(today)
    worth_it = given.filter(seconds_a_week__gte=LEAST_SECONDS)
    decided = _decided(services)
    return {
        "tabs": cache_tabs(project, "cache:advice"),
        "form": form,
        "advice": [_shown(row, decided) for row in worth_it[:MOST]],
        "little": given.filter(seconds_a_week__lt=LEAST_SECONDS).count(),
        "put_off": [
            {"row": row, "decision": decided[_key(row)]} for row in rows.put_off(today)[:MOST]
        ],
        "followed": list(rows.exclude(since=None).order_by("-since", "pk")[:MOST]),
        "advised": list(
            Advised.objects.filter(service__in=services)
            .select_related("service")
            .order_by("service__name")
        ),
        "enough": ENOUGH,
    }


def _decided(services: list[int]) -> dict[tuple[int, str], AdviceDecision]:
    decisions = AdviceDecision.objects.filter(service__in=services)
    return {(decision.service_id, decision.digest): decision for decision in decisions}


def _key(row: LayerAdvice) -> tuple[int, str]:
    return row.service_id, row.digest


def _shown(row: LayerAdvice, decided: dict[tuple[int, str], AdviceDecision]) -> dict[str, Any]:
    has_name = not row.stage.startswith(UNNAMED)
    return {
        "row": row,
        "decision": decided.get(_key(row)),
        "form": DecisionForm(auto_id=f"id_%s_{row.digest}"),
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
