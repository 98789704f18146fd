"""One service: its trend, its costliest steps, its last builds."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from statistics import median
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from buildinsights.charts import Chart, Mark, Spot, draw
from buildinsights.templatetags.formats import duration, number
from buildkit.model import CACHEABLE_KINDS
from builds.build_list import COLUMNS
from builds.diffs import diff_lines
from builds.models import Build, Service, Step
from builds.querysets import BuildQuerySet
from builds.weeks import week_days, week_label
from cache.step_names import step_address
from deployments.models import Deployment
from recommendations.models import Recommendation, Unit
from recommendations.page import LEAST
from reports.attention import commit_of, recommendation_line
from trends.changes_page import line_of
from trends.marks import marks_of
from trends.models import Change
from trends.series import STEP_SECONDS
from trends.weeks import weekly

WEEKS = 26
COST_BUILDS = 50
"""The last builds over which steps are ranked by cost."""

LISTED_BUILDS = 20
MOST_COSTLY = 12
MOST_RECOMMENDED = 3


def service_page(service: Service, query: QueryDict) -> dict[str, Any]:
    """Return the context of a service's page for the group that the address names."""
    builds = Build.objects.filter(service=service)
    form = GroupForm(builds, query)
    group = form.narrow(builds)
    last = list(group.select_related("project", "service").newest_first()[:COST_BUILDS])
    project = service.project.slug
    return {
        "service": service,
        "crumbs": [{"label": "Services", "href": reverse("services:list", args=[project])}],
        "group": {"filter_form": form},
        "trend": trend(service, form.chosen),
        "change": newest_change(service),
        "recommendations": recommendations(service),
        "costs": costly_steps(last),
        "cost_builds": len(last),
        "runs": running(service),
        "builds": last[:LISTED_BUILDS],
        "columns": COLUMNS,
        "builds_href": reverse("builds:list", args=[project]) + f"?service={service.slug}",
    }


def running(service: Service) -> list[Deployment]:
    """Return what runs now, by environment."""
    own = Deployment.objects.filter(project=service.project_id, service=service)
    return list(own.current().told().order_by("environment", "target"))


def newest_change(service: Service) -> dict[str, Any] | None:
    """Return the newest change of its wall time that is not gone back."""
    changes = Change.objects.filter(series__service=service, series__metric="wall_seconds")
    known = changes.exclude(state=Change.State.RESOLVED).told()
    related = known.select_related("build__request", "build__project")
    change = related.order_by("-found_at").first()
    if change is None:
        return None
    line = line_of(change)
    return {
        "text": line["title"],
        "step": line["step"],
        "share": line["share"],
        "cause": line["cause"],
        "since": change.build.listed_at,
        "commit": commit_of(change.build),
        "href": change.get_absolute_url(),
        "verdict": "worse" if change.is_worse else "better",
    }


def recommendations(service: Service) -> list[dict[str, Any]]:
    """Return what to do first."""
    given = Recommendation.objects.filter(service=service, unit=Unit.SECONDS)
    to_do = given.to_do(timezone.now().date()).filter(worth__gte=LEAST[Unit.SECONDS])
    return [
        recommendation_line(row) | {"why": " ".join(row.why), "diff": diff_lines(row.diff)}
        for row in to_do.select_related("project")[:MOST_RECOMMENDED]
    ]


class GroupForm(forms.Form):
    """Which homogeneous group of builds is shown; raw totals over all mostly show cache luck."""

    target = forms.ChoiceField(required=False)
    variant = forms.ChoiceField(required=False)
    cache_state = forms.ChoiceField(
        required=False, label="Cache", choices=[("", "All"), *Build.CacheState.choices]
    )

    def __init__(self, builds: BuildQuerySet, query: QueryDict) -> None:
        super().__init__(query)
        recent = builds.newest_first().values_list("target", "variant")[:500]
        pairs = set(recent)
        for name, index in (("target", 0), ("variant", 1)):
            values = sorted({pair[index] for pair in pairs if pair[index]})
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # declared above
            field.choices = [("", "All"), *((value, value) for value in values)]

    @cached_property
    def chosen(self) -> dict[str, str]:
        """What was chosen; what is not a choice is not applied."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def narrow(self, builds: BuildQuerySet) -> BuildQuerySet:
        """Return the builds of the chosen group."""
        return builds.filter(**self.chosen)


def trend(service: Service, group: Mapping[str, str]) -> dict[str, Any]:
    """Return the weekly median with its 25–75 band as ``chart`` and ``rows``, oldest week first."""
    weeks = weekly(service, group, WEEKS)
    by_age = {age: week for age, week in weeks.items() if week["quartiles"]}
    ages = list(range(max(by_age, default=0), -1, -1))
    today = timezone.now().date()
    rows = {
        age: _trend_row(service, group, age, by_age[age], today) for age in ages if age in by_age
    }
    medians = [row["median_seconds"] for row in rows.values()]
    summary = _summary(medians, sum(week["succeeded"] for week in weeks.values()))
    period = (week_days(WEEKS - 1, today)[0], today)
    spots = [_spot(week_days(age, today)[0], rows.get(age)) for age in ages]
    marks = marks_of(service, "wall_seconds", period, group)
    return {
        "chart": _chart(service, group, spots, marks, summary),
        "summary": summary,
        "rows": list(rows.values()),
    }


def _chart(
    service: Service,
    group: Mapping[str, str],
    spots: Sequence[Spot],
    marks: Sequence[Mark],
    summary: str,
) -> dict[str, Any] | None:
    query = urlencode({"days": 180, **group})
    api = f"{reverse('api:service-trends', args=[service.slug])}?project={service.project.slug}"
    return draw(
        Chart(
            spots=spots,
            unit="s",
            shown=duration,
            summary=summary,
            range_name="25 to 75 %",
            marks=marks,
            hover="week from %-d %b %Y",
            zoom=f"{reverse('trends:trend', args=[service.project.slug, service.slug])}?{query}",
            links={"As JSON": f"{api}&{query}", "As CSV": f"{api}&{query}&format=csv"},
        )
    )


def _spot(start: date, row: Mapping[str, Any] | None) -> Spot:
    """Return a week, which leads to its builds; a gap without a build that succeeded."""
    if row is None:
        return Spot(start, None)
    low, high = row["low_seconds"], row["high_seconds"]
    lines = (
        f"Median: {duration(row['median_seconds'])}",
        f"25 to 75 %: {duration(low)} to {duration(high)}",
        f"{number(row['builds'])} succeeded builds",
    )
    return Spot(start, row["median_seconds"], lines, row["href"], low, high)


def _summary(medians: Sequence[float], builds: int) -> str:
    if not medians:
        return "No succeeded build in the last half year."
    low, high = duration(min(medians)), duration(max(medians))
    return f"{builds} succeeded builds; weekly median {low} to {high}, now {duration(medians[-1])}"


def _trend_row(
    service: Service, group: Mapping[str, str], age: int, week: Mapping[str, Any], today: date
) -> dict[str, Any]:
    low, middle, high = week["quartiles"]
    after, before = week_days(age, today)
    days = {"after": after.isoformat(), "before": before.isoformat()}
    query = urlencode({"service": service.slug, **days, **group})
    return {
        "label": week_label(age),
        "builds": week["succeeded"],
        "low_seconds": low,
        "median_seconds": middle,
        "high_seconds": high,
        "href": f"{reverse('builds:list', args=[service.project.slug])}?{query}",
    }


def costly_steps(builds: Sequence[Build]) -> list[dict[str, Any]]:
    """Return the steps on which those builds spent most executed time, most first."""
    rows = Step.objects.filter(
        build_id__in=[build.pk for build in builds],
        month__in={build.steps_month for build in builds},
        state__in=["executed", "cached"],
    ).values_list("identity", "name", "kind", "state", "busy_seconds", "build_id", "position")
    found: dict[str, dict[str, Any]] = {}
    for identity, name, kind, state, seconds, build_id, position in rows:
        first = {"identity": identity, "name": name, "kind": kind}
        entry = found.setdefault(identity, first | {"runs": [], "hits": 0, "builds": 0})
        entry["builds"] += 1
        if state == "cached":
            entry["hits"] += 1
        else:
            entry["runs"].append(seconds)
            entry["last"] = max(entry.get("last", (0, 0)), (build_id, position))
    by_pk = {build.pk: build for build in builds}
    ran = [entry for entry in found.values() if sum(entry["runs"]) > 0]
    total = sum(sum(entry["runs"]) for entry in ran)
    ran.sort(key=lambda entry: -sum(entry["runs"]))
    return [_cost(entry, total, by_pk) for entry in ran[:MOST_COSTLY]]


def _cost(entry: Mapping[str, Any], total: float, builds: Mapping[int, Build]) -> dict[str, Any]:
    build_id, position = entry["last"]
    service = builds[build_id].service
    has_history = entry["kind"] in CACHEABLE_KINDS
    return {
        "name": entry["name"],
        "busy_seconds": sum(entry["runs"]),
        "share": sum(entry["runs"]) / total,
        "median_seconds": median(entry["runs"]),
        "hits": entry["hits"],
        "builds": entry["builds"],
        "hit_ratio": entry["hits"] / entry["builds"],
        "href": f"{builds[build_id].get_absolute_url()}?tab=steps#step-{position}",
        "over_time": f"{reverse('trends:trend', args=[service.project.slug, service.slug])}"
        f"?metric={STEP_SECONDS.name}&step={entry['identity']}",
        "history": step_address(service, entry["identity"]) if has_history else "",
    }
