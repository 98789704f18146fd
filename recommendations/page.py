"""What to do first, what was put off, and what came of what was done."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from buildinsights.diffs import diff_lines
from buildinsights.templatetags.formats import (
    duration,
    filesize,
    signed_duration,
    signed_filesize,
)
from buildkit.advising.effects import ENOUGH
from builds.models import Build
from cache.forms import ServiceForm
from cache.models import Advised
from recommendations.decisions import DecisionForm
from recommendations.models import Kind, Recommendation, Renewed, Unit
from recommendations.querysets import RecommendationQuerySet

LEAST: Mapping[str, float] = {Unit.SECONDS: 1.0, Unit.BYTES: 1_000_000.0}
"""A week: what is worth less is counted, and not shown."""

MOST = 30
"""Recommendations of a unit that are shown, those worth most."""

SHOWN = {Unit.SECONDS: duration, Unit.BYTES: filesize}
SIGNED = {Unit.SECONDS: signed_duration, Unit.BYTES: signed_filesize}

type Row = dict[str, Any]


class RecommendationForm(ServiceForm):
    """Which recommendations; what is not a choice is not applied."""

    kind = forms.ChoiceField(required=False, choices=[("", "All"), *Kind.choices])

    def narrow(self, rows: RecommendationQuerySet) -> RecommendationQuerySet:
        """Return those that are meant."""
        said = self.cleaned_data
        if said.get("service"):
            rows = rows.filter(service__slug=said["service"])
        return rows.filter(kind=said["kind"]) if said.get("kind") else rows


def recommendations_page(project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context."""
    form = RecommendationForm(project, query.dict())
    rows = form.narrow(Recommendation.objects.filter(project=project))
    rows = rows.select_related("service__project", "project")
    today = timezone.now().date()
    to_do = rows.to_do(today)
    return {
        "form": form,
        "query": query.urlencode(),
        "groups": [_group(project, to_do, unit) for unit in Unit],
        "put_off": [line_of(row) for row in rows.put_off(today)[:MOST]],
        "closed": [_closed(row) for row in rows.closed()[:MOST]],
        "enough": ENOUGH,
        "renewed": Renewed.objects.filter(project=project).first(),
        "advised": Advised.objects.filter(service__project=project)
        .select_related("service")
        .order_by("service__name"),
    }


def _group(project: Project, to_do: RecommendationQuerySet, unit: Unit) -> Row:
    own = to_do.filter(unit=unit)
    worth_it = list(own.filter(worth__gte=LEAST[unit])[:MOST])
    builds = _examples(project, worth_it)
    return {
        "unit": unit,
        "rows": [_shown(row, builds) for row in worth_it],
        "little": own.filter(worth__lt=LEAST[unit]).count(),
        "least": SHOWN[unit](LEAST[unit]),
    }


def line_of(row: Recommendation) -> Row:
    """Return a recommendation with its worth a week in words."""
    shown = SHOWN[Unit(row.unit)]
    bound = "≤ " if row.is_upper_bound else ""
    interval = "" if row.low is None else f"{shown(row.low)} to {shown(row.high)}"
    return {"row": row, "worth": f"{bound}{shown(row.worth)}", "interval": interval}


def _shown(row: Recommendation, builds: Mapping[str, Build]) -> Row:
    return line_of(row) | {
        "form": DecisionForm(auto_id=f"id_%s_{row.digest}"),
        "lines": diff_lines(row.diff),
        "examples": [builds[ref] for ref in row.examples if ref in builds],
        "builds_href": _builds(row),
    }


def _builds(row: Recommendation) -> str:
    """Return the address of the builds that it is about."""
    named = {"service": row.service.slug if row.service else "", "target": row.target}
    query = urlencode({name: value for name, value in named.items() if value})
    listed = reverse("builds:list", args=[row.project.slug])
    return f"{listed}?{query}" if query else listed


def _examples(project: Project, rows: Iterable[Recommendation]) -> dict[str, Build]:
    refs = {ref for row in rows for ref in row.examples}
    builds = Build.objects.filter(project=project, buildkit_ref__in=refs)
    return {build.buildkit_ref: build for build in builds.select_related("project")}


def _closed(row: Recommendation) -> Row:
    """Return what came of what was done, in the unit of its measure."""
    shown, signed = SHOWN[Unit(row.unit)], SIGNED[Unit(row.unit)]
    return line_of(row) | {
        "before": shown(row.mean_before),
        "since": shown(row.mean_since),
        "difference": None if row.difference is None else signed(row.difference),
        "from": signed(row.difference_low) if row.difference_low is not None else "",
        "to": signed(row.difference_high) if row.difference_high is not None else "",
    }
