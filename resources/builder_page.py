"""The page of one builder."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Project
from buildinsights.svg import TREND, Band, shapes
from buildinsights.templatetags.formats import filesize, number, ratio
from builds.models import Build, Service
from builds.weeks import day_axis
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
        "axis": day_axis(points[0]["start"], points[-1]["start"]) if len(points) > 1 else [],
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


def _at_once(one: Point | None) -> Band:
    """Return that of a time without builds, too: none."""
    value = (one["at_once"] or 0.0) if one else 0.0
    return value, value, float(one["most_at_once"]) if one else 0.0


def _cpu(one: Point | None) -> Band | None:
    if one is None or one["cpu_median"] is None:
        return None
    return one["cpu_p25"], one["cpu_median"], one["cpu_p75"]


def _of(name: str) -> Callable[[Point | None], Band | None]:
    return lambda one: _line(one[name]) if one else None


def _line(value: float | None) -> Band | None:
    return None if value is None else (value, value, value)


CHARTS = (
    ("Builds at once", "mean while any was there, with the most", _at_once, number),
    ("Processors", "median busy share, with 25 to 75 % of the time", _cpu, ratio),
    ("Saturated", "share of the time with 90 % or more busy", _of("saturated_ratio"), ratio),
    ("Memory", "most in use", _of("memory_peak_bytes"), filesize),
    ("Disk", "read and written", _of("disk_bytes"), filesize),
    ("Network", "received and sent", _of("network_bytes"), filesize),
)


def _chart(kind: Any, series: Sequence[Point | None]) -> dict[str, Any]:
    label, meaning, band_of, shown = kind
    bands = [band_of(one) for one in series]
    drawn = shapes(bands, TREND)
    known = [band[1] for band in bands if band]
    return {
        "label": label,
        "meaning": meaning,
        "points": drawn.points,
        "band": drawn.band,
        "top": shown(drawn.top),
        "summary": f"{label}, {meaning}: {shown(min(known))} to {shown(max(known))}"
        if known
        else f"{label}: not recorded",
    }
