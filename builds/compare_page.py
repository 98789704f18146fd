"""The page that puts two builds side by side."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.text import Truncator

from buildinsights.templatetags.formats import (
    duration,
    filesize,
    number,
    signed_duration,
    signed_filesize,
)
from builds.comparison import Comparison, StepPair, compare
from builds.crumbs import build_crumbs
from builds.models import Build
from builds.usual import verdict_of


def _signed_count(value: float | None) -> str:
    return "" if value is None else f"{value:+.0f}".replace("-", "−")


MEASURES = {
    "wall_seconds": ("Wall time", duration, signed_duration),
    "critical_path_seconds": ("Critical path", duration, signed_duration),
    "busy_seconds": ("Work (sum of busy times)", duration, signed_duration),
    "idle_seconds": ("Idle", duration, signed_duration),
    "cacheable_steps": ("Cacheable steps", number, _signed_count),
    "cacheable_cached": ("Cached of these", number, _signed_count),
    "image_bytes": ("Image", filesize, signed_filesize),
}
NEUTRAL = {"cacheable_steps", "cacheable_cached"}
"""Counts of which neither more nor less is better."""

MAX_STEPS = 200
"""A page shows the steps that made most of the difference; the API has all of them."""


def compare_page(build: Build, against: str) -> dict[str, Any]:
    """Return the context; without a choice the last comparable build is the other."""
    others = Build.objects.filter(service=build.service).exclude(pk=build.pk)
    others = others.select_related("project", "service").newest_first()
    before = (
        _chosen(others, against)
        or Build.objects.comparable_to(build).select_related("project", "service").first()
        or others.first()
    )
    context: dict[str, Any] = {
        "after": build,
        "before": before,
        "others": others[:50],
        "crumbs": build_crumbs(build, with_build=True),
    }
    return context | (_comparison(compare(before, build)) if before else {})


def _comparison(comparison: Comparison) -> dict[str, Any]:
    total = sum(abs(pair.delta_seconds) for pair in comparison.pairs)
    pairs = [pair for pair in comparison.pairs if pair.delta_seconds or pair.state_changed]
    return {
        "measures": [_measure(total_row) for total_row in comparison.totals],
        "inputs": different_inputs(comparison.before, comparison.after),
        "steps": [_step(pair, total) for pair in pairs[:MAX_STEPS]],
        "summary": summary(comparison),
    }


def summary(comparison: Comparison) -> str:
    """Say in one sentence what made the difference."""
    before, after = comparison.before.wall_seconds, comparison.after.wall_seconds
    if before is None or after is None:
        return "How long one of the builds took is not recorded."
    delta = after - before
    words = f"The later build took {duration(abs(delta))} {'more' if delta > 0 else 'less'}"
    same_way = [pair for pair in comparison.pairs if pair.delta_seconds * delta > 0]
    if not same_way:
        return f"{words}; no step accounts for it."
    largest = same_way[0]
    name = Truncator(largest.name).chars(80)
    return f"{words}; most of the difference is {name} ({_delta(largest)})."


def _delta(pair: StepPair) -> str:
    return str(signed_duration(pair.delta_seconds))


def _measure(total: Mapping[str, Any]) -> dict[str, Any]:
    label, show, show_delta = MEASURES[total["metric"]]
    neutral = total["metric"] in NEUTRAL or total["before"] is None
    return {
        "label": label,
        "before": show(total["before"]),
        "after": show(total["after"]),
        "delta": show_delta(total["delta"]),
        "verdict": "" if neutral else verdict_of(total["delta"], total["before"]),
    }


def _step(pair: StepPair, total: float) -> dict[str, Any]:
    larger = max(step.busy_seconds for step in (pair.before, pair.after) if step)
    return {
        "name": pair.name,
        "before_state": pair.before.state if pair.before else "",
        "after_state": pair.after.state if pair.after else "",
        "before_seconds": pair.before.busy_seconds if pair.before else None,
        "after_seconds": pair.after.busy_seconds if pair.after else None,
        "delta_seconds": pair.delta_seconds,
        "share": abs(pair.delta_seconds) / total if total else None,
        "verdict": verdict_of(pair.delta_seconds, larger),
    }


def different_inputs(before: Build, after: Build) -> list[dict[str, str]]:
    """Return the recorded inputs that differ: revision, builder, arguments, materials."""
    old, new = _inputs(before), _inputs(after)
    return [
        {"label": label, "before": old.get(label, ""), "after": new.get(label, "")}
        for label in dict.fromkeys([*new, *old])
        if old.get(label, "") != new.get(label, "")
    ]


def _inputs(build: Build) -> dict[str, str]:
    inputs = {"Revision": build.revision, "Branch": build.ref_name, "Builder": build.builder}
    inputs |= {f"ARG {name}": value for name, value in build.build_args.items()}
    for uri, digest in build.materials.values_list("uri", "digest"):
        inputs[uri] = digest
    return inputs


def _chosen(builds: Any, public_id: str) -> Build | None:
    try:
        chosen: Build | None = builds.filter(public_id=public_id).first() if public_id else None
    except ValidationError:
        return None
    return chosen
