"""Changes of a project, and one of them with its series."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.charts import Chart, Level, Mark, Spot, draw
from buildinsights.paging import page_of
from builds.models import Build
from cache.forms import ServiceForm
from trends.following import builds_of
from trends.metrics import METRICS, Metric
from trends.models import Change

NEWEST = ("-found_at", "-pk")
LEAST_P = 0.0001
AROUND = 60
"""Builds on each side of a change that its chart shows at most."""


class ChangesForm(ServiceForm):
    """Which changes; what is not a choice is not applied."""

    metric = forms.ChoiceField(
        required=False, choices=[("", "All"), *((m.name, m.label) for m in METRICS.values())]
    )
    kind = forms.ChoiceField(required=False, choices=[("", "All"), *Change.Kind.choices])
    state = forms.ChoiceField(
        required=False, choices=[("", "Open"), ("all", "All"), *Change.State.choices]
    )

    def narrow(self, changes: Any) -> Any:
        """Return the changes that are meant."""
        said = self.cleaned_data
        if said.get("service"):
            changes = changes.filter(series__service__slug=said["service"])
        if said.get("metric"):
            changes = changes.filter(series__metric=said["metric"])
        if said.get("kind"):
            changes = changes.filter(kind=said["kind"])
        if not said.get("state") and said.get("kind") != Change.Kind.OUTLIER:
            return changes.open()
        is_any = said.get("state") in {"", "all"}
        return changes if is_any else changes.filter(state=said["state"])


def changes_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list."""
    form = ChangesForm(project, request.GET.dict())
    changes = Change.objects.filter(series__service__project=project).told()
    page = page_of(request, form.narrow(changes), NEWEST)
    rows = [line_of(change) for change in page.rows]
    return {"form": form, "page": page, "rows": rows, "summary": page.describe("change")}


def line_of(change: Change) -> dict[str, Any]:
    """Return what a line about a change shows."""
    metric = change.series.means
    first = change.parts[0] if change.parts else None
    return {
        "change": change,
        "title": title_of(change),
        "group": change.series.group,
        "before": metric.shown(change.before),
        "after": metric.shown(change.after),
        "step": first["name"] if first else "",
        "share": first["share"] if first else None,
        "cause": change.causes[0]["words"] if change.causes else "",
    }


def title_of(change: Change) -> str:
    """Say what changed by how much."""
    metric, service = change.series.means, change.series.service
    amount = abs(change.ratio) * 100
    unit = "points" if metric.unit == "ratio" else "%"
    way = "up" if change.direction > 0 else "down"
    drift = "drifts " if change.kind == Change.Kind.DRIFT else ""
    title = f"{metric.label} of {service.name} {drift}{way} {amount:.0f} {unit}"
    if change.kind != Change.Kind.OUTLIER:
        return title
    return f"{title} in {change.builds_after} build{'' if change.builds_after == 1 else 's'} alone"


def change_page(change: Change) -> dict[str, Any]:
    """Return the context of one change."""
    series = change.series
    builds = list(_around(change))
    metric = series.means
    project = series.service.project
    return line_of(change) | {
        "metric": metric,
        "chart": _chart(change, builds),
        "rows": [
            {"build": build, "value": metric.shown(getattr(build, metric.name))}
            for build in reversed(builds)
        ],
        "low": _said(metric.unit, change.ratio_low),
        "high": _said(metric.unit, change.ratio_high),
        "ratio": _said(metric.unit, change.ratio),
        "p_value": f"{change.p_value:.4f}" if change.p_value >= LEAST_P else f"< {LEAST_P}",
        "crumbs": [{"label": "Changes", "href": reverse("trends:changes", args=[project.slug])}],
    }


def _chart(change: Change, builds: list[Build]) -> dict[str, Any] | None:
    """Return the builds around a change, each a point, with the levels on both sides."""
    metric, at = change.series.means, change.build.listed_at
    before, after = metric.shown(change.before), metric.shown(change.after)
    api = reverse("api:change-builds", args=[change.public_id])
    return draw(
        Chart(
            spots=[_spot(build, metric) for build in builds],
            unit=metric.unit,
            shown=metric.shown,
            summary=f"{metric.label} of {len(builds)} builds around the change: {before} before, "
            f"{after} since",
            name=metric.label,
            marks=[Mark(at, title_of(change), "worse" if change.is_worse else "better")],
            levels=[
                Level(f"Before: {before}", change.before, last=at),
                Level(f"Since: {after}", change.after, first=at),
            ],
            hover="%-d %b %Y %H:%M UTC",
            links={"As JSON": api, "As CSV": f"{api}?format=csv"},
            table="around",
        )
    )


def told_around(change: Change) -> dict[str, Any]:
    """Return the same for machines."""
    metric = change.series.means
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "since": change.build.listed_at,
        "before": change.before,
        "after": change.after,
        "builds": [
            {
                "build": build.public_id,
                "at": build.listed_at,
                "value": getattr(build, metric.name),
                "ref_name": build.ref_name,
                "revision": build.revision,
            }
            for build in _around(change)
        ],
    }


def _spot(build: Build, metric: Metric) -> Spot:
    value = float(getattr(build, metric.name))
    lines = [str(metric.shown(value)), f"{build.ref_name} {build.revision[:9]}".strip()]
    return Spot(build.listed_at, value, [line for line in lines if line], build.get_absolute_url())


def _said(unit: str, ratio: float) -> str:
    return f"{100 * ratio:+.1f} {'points' if unit == 'ratio' else '%'}"


def _around(change: Change) -> list[Build]:
    builds = builds_of(change.series).select_related("project", "service")
    at = change.build.listed_at
    before = builds.filter(listed_at__lt=at).order_by("-listed_at", "-pk")[:AROUND]
    since = builds.filter(listed_at__gte=at).order_by("listed_at", "pk")[:AROUND]
    return [*reversed(before), *since]
