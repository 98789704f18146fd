"""The page of one builder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.charts import Chart, Spot, draw
from buildinsights.templatetags.formats import filesize, number, ratio
from builds.models import Build, Service
from cache.storage_page import builders as stored
from farm.models import Builder
from resources.forms import DaysForm
from resources.models import Finding
from resources.series import Point, filled, hours_of, point, points_of
from resources.verdicts import long_verdict, memory_sentence, short_verdict, size_sentences


def builder_page(finding: Finding, project: Project, query: QueryDict) -> dict[str, Any]:
    """Return the context; the template documents it."""
    form = DaysForm.lenient(query.dict())
    hours = hours_of(project, finding.builder, form)
    points, now = points_of(hours, form), point(hours)
    return {
        "name": finding.builder,
        "crumbs": [
            {"label": "Builders", "href": reverse("resources:builders", args=[project.slug])}
        ],
        "form": form,
        "query": query.urlencode(),
        "grain": "hour" if form.is_hourly else "day",
        "now": now | {"headroom_bytes": _headroom(now)},
        "charts": [_chart(kind, filled(points, form)) for kind in CHARTS],
        "points": list(reversed(points)),
        "finding": finding,
        "slots_now": slots_now(finding.builder),
        "storage": _storage(finding.builder, form),
        "sizes": size_sentences(now),
        **(_told(finding.found, project, now) if finding.found else {}),
    }


def slots_now(name: str) -> int | None:
    """Return how many builds the queue lets run there at once; ``None`` if it does not know it."""
    return Builder.objects.filter(name=name).values_list("slots", flat=True).first()


def _headroom(now: Point) -> float | None:
    """Return the total less the 99th percentile of what was in use, of one machine."""
    total, used = now["memory_total_bytes"], now["memory_p99_bytes"]
    is_one = total == now["memory_total_low_bytes"]
    return None if total is None or used is None or not is_one else total - used


def _told(found: Mapping[str, Any], project: Project, now: Point) -> dict[str, Any]:
    return {
        "verdict": short_verdict(found["slots"]),
        "sentence": long_verdict(found),
        "memory_sentence": memory_sentence(found, now),
        "slowdown": found["slowdown"],
        "memory": found["memory"],
        "levels": _levels(found),
        "groups": _named(found["groups"], project),
        "slowest": _slowest(found["slowest"], project),
    }


def _levels(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how many times as long builds take by others beside them, with what gets done."""
    loads = {load["at_once"] - 1: load for load in found["slots"]["loads"]}
    levels = found["slowdown"]["levels"] if found["slowdown"] else []
    return [level | {"load": loads.get(level["others"])} for level in levels]


def _named(groups: Sequence[Mapping[str, Any]], project: Project) -> list[dict[str, Any]]:
    """Return groups with their services."""
    keys = {group["service"] for group in groups}
    services = Service.objects.filter(project=project).select_related("project").in_bulk(keys)
    return [
        dict(group) | {"service": services[group["service"]]}
        for group in groups
        if group["service"] in services
    ]


def _slowest(rows: Sequence[Mapping[str, Any]], project: Project) -> list[dict[str, Any]]:
    """Return builds that took longest beside others; those deleted meanwhile are left out."""
    builds = Build.objects.filter(project=project).select_related("project", "service")
    found = builds.in_bulk([row["build"] for row in rows])
    return [dict(row) | {"build": found[row["build"]]} for row in rows if row["build"] in found]


def _storage(name: str, form: DaysForm) -> str:
    """Return what is forecast of the builder's cache, if the server looks into it."""
    rows = stored(form.since)
    found = (row["trend"]["sentence"] for row in rows if row["builder"].name == name)
    return next(found, "")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One chart of a builder: the columns of a ``Point`` that it shows, and how."""

    label: str
    meaning: str
    column: str
    unit: str
    shown: Callable[[float | None], Any]
    low: str = ""
    high: str = ""
    range_name: str = ""
    most: str = ""

    def spot(self, start: datetime, one: Point | None) -> Spot:
        """Return a point; without builds there is none at once, and nothing else is known."""
        if one is None:
            return Spot(start, 0.0 if self.most else None)
        value = one[self.column]
        value = value or 0.0 if self.most else value
        more = {"Most": float(one[self.most])} if self.most else {}
        low, high = (one[name] if name else None for name in (self.low, self.high))
        return Spot(start, value, [str(self.shown(value))], low=low, high=high, more=more)


CHARTS = (
    _Kind(
        "Builds at once",
        "mean while any was there; the most on demand",
        "at_once",
        "builds",
        number,
        most="most_at_once",
    ),
    _Kind(
        "Processors",
        "median busy share, with 25 to 75 % of the time",
        "cpu_median",
        "ratio",
        ratio,
        "cpu_p25",
        "cpu_p75",
        "25 to 75 %",
    ),
    _Kind(
        "Saturated", "share of the time with 90 % or more busy", "saturated_ratio", "ratio", ratio
    ),
    _Kind("Memory", "most in use", "memory_peak_bytes", "bytes", filesize),
    _Kind("Disk", "read and written", "disk_bytes", "bytes", filesize),
    _Kind("Network", "received and sent", "network_bytes", "bytes", filesize),
)


def _chart(kind: _Kind, series: Sequence[tuple[datetime, Point | None]]) -> dict[str, Any]:
    spots = [kind.spot(start, one) for start, one in series]
    known = [spot.value for spot in spots if spot.value is not None]
    summary = (
        f"{kind.label}, {kind.meaning}: {kind.shown(min(known))} to {kind.shown(max(known))}"
        if known
        else f"{kind.label}: not recorded"
    )
    chart = Chart(
        spots=spots,
        unit=kind.unit,
        shown=kind.shown,
        summary=summary,
        name=kind.label,
        range_name=kind.range_name,
        hover="%-d %b %Y, %H:%M",
    )
    return {"label": kind.label, "meaning": kind.meaning, "summary": summary, "chart": draw(chart)}
