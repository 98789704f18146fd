"""The timeline of a build as plain values that ``builds/_waterfall.html`` draws.

Positions are percent of the timeline (0 to 100), so that SVG needs no inline style; the curves of
lanes are polygons in a box of 1000 × 100 with y downwards.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from buildinsights.templatetags.formats import duration, filesize, ratio
from builds.models import Build, ResourceSeries, Step

FULL = 100.0
BOX_WIDTH, BOX_HEIGHT = 1000.0, 100.0
MIN_BAR = 0.15
"""The narrowest bar that can still be seen."""

TICK_STEPS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
)
MAX_TICKS = 8
MAX_ROWS = 1000
"""More rows than this help nobody and cost the browser seconds."""

Interval = list[float] | tuple[float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A value over time: points ascending in time, seconds from the start of the build."""

    points: list[Point]
    peak: float
    mean: float


def waterfall(
    build: Build, steps: Sequence[Step], resources: ResourceSeries | None = None
) -> dict[str, Any]:
    """Return the context of the waterfall; the template documents each key."""
    intervals = [pair for step in steps for pair in step.intervals]
    seconds = max(build.wall_seconds or 0.0, max((end for _, end in intervals), default=0.0))
    shown = longest([step for step in steps if step.intervals])
    rows = [_row(step, seconds) for step in shown]
    return {
        "summary": _summary(build, len(shown), len(steps)),
        "wall_label": str(duration(seconds)),
        "axis": axis(seconds),
        "rows": rows,
        "not_started": [_idle_row(step) for step in steps if not step.intervals],
        "links": links(shown, seconds),
        "busy_lane": _busy_lane(intervals, seconds),
        "lanes": _resource_lanes(resources, seconds) if resources else [],
    }


def longest(steps: Sequence[Step], most: int = MAX_ROWS) -> list[Step]:
    """Return the steps that are shown, in order: all, or the critical and longest ones."""
    if len(steps) <= most:
        return list(steps)
    ranked = sorted(steps, key=lambda step: (not step.critical, -step.busy_seconds))
    return sorted(ranked[:most], key=lambda step: step.position)


def _summary(build: Build, shown: int, total: int) -> str:
    path = duration(build.critical_path_seconds)
    wall = "unknown" if build.wall_seconds is None else duration(build.wall_seconds)
    words = [f"{total} steps in {wall}; the critical path takes {path}."]
    if build.parallelism is not None:
        words.append(f"On average {build.parallelism:.1f} steps were busy at once.")
    if build.idle_seconds:
        words.append(f"No step was busy for {duration(build.idle_seconds)}.")
    if shown < total:
        words.append(f"Shown are the {shown} on the critical path or longest.")
    return " ".join(words)


def _row(step: Step, seconds: float) -> dict[str, Any]:
    return {
        "position": step.position,
        "label": " ".join(short_name(step.name).split()),
        "stage": step.stage,
        "platform": step.platform,
        "kind": step.kind,
        "state": step.state,
        "critical": step.critical,
        "bars": [_bar(pair, seconds) for pair in step.intervals],
        "slack_bar": _slack_bar(step, seconds),
        "busy": step.busy_seconds,
        "slack": step.slack_seconds,
        "what_if": step.what_if_seconds,
        "starts_at": step.intervals[0][0],
        "ends_at": step.intervals[-1][1],
        "href": f"?tab=steps#step-{step.position}",
        "title": step.name,
    }


def _idle_row(step: Step) -> dict[str, Any]:
    return {
        "label": " ".join(short_name(step.name).split()),
        "stage": step.stage,
        "href": f"?tab=steps#step-{step.position}",
    }


def short_name(name: str) -> str:
    """Return a step's name without the bracket that repeats stage and platform."""
    if name.startswith("[") and not name.startswith("[internal]"):
        bracket, separator, rest = name.partition("] ")
        return rest if separator and bracket else name
    return name


def _bar(pair: Interval, seconds: float) -> dict[str, float]:
    begin, end = pair
    width = min(FULL, max(_percent(end - begin, seconds), MIN_BAR))
    return {"x": round(min(_percent(begin, seconds), FULL - width), 3), "width": round(width, 3)}


def _slack_bar(step: Step, seconds: float) -> dict[str, float] | None:
    if step.critical or step.slack_seconds <= 0:
        return None
    begin = _percent(step.intervals[-1][1], seconds)
    end = _percent(step.intervals[-1][1] + step.slack_seconds, seconds)
    return {"x": round(begin, 3), "end": round(end, 3)}


def _percent(value: float, seconds: float) -> float:
    return min(FULL, max(0.0, FULL * value / seconds)) if seconds else 0.0


def axis(seconds: float) -> list[dict[str, Any]]:
    """Return round times, at most ``MAX_TICKS`` after the first, with their positions."""
    if seconds <= 0:
        return []
    step = next((s for s in TICK_STEPS if seconds / s <= MAX_TICKS), seconds / MAX_TICKS)
    return [
        {"x": round(_percent(index * step, seconds), 3), "label": str(duration(index * step))}
        for index in range(int(seconds / step) + 1)
    ]


def links(steps: Sequence[Step], seconds: float) -> list[dict[str, float]]:
    """Return the lines from the end of each critical step to the start of the next."""
    path = [(index, step) for index, step in enumerate(steps) if step.critical]
    path.sort(key=lambda entry: entry[1].intervals[0][0])
    return [
        {
            "x1": round(_percent(step.intervals[-1][1], seconds), 3),
            "y1": round(FULL * (index + 0.5) / len(steps), 3),
            "x2": round(_percent(following.intervals[0][0], seconds), 3),
            "y2": round(FULL * (next_index + 0.5) / len(steps), 3),
        }
        for (index, step), (next_index, following) in pairwise(path)
    ]


def busy_curve(intervals: Iterable[Interval], seconds: float) -> Curve:
    """Return how many steps were busy at each moment, as a staircase."""
    changes: dict[float, int] = {}
    for begin, end in intervals:
        if end > begin:
            changes[begin] = changes.get(begin, 0) + 1
            changes[end] = changes.get(end, 0) - 1
    level, last, area = 0, 0.0, 0.0
    points: list[Point] = [(0.0, 0.0)]
    for moment in sorted(changes):
        area += level * (moment - last)
        points.append((moment, float(level)))
        level += changes[moment]
        points.append((moment, float(level)))
        last = moment
    points.append((seconds, 0.0))
    peak = max(value for _, value in points)
    return Curve(points, peak, area / seconds if seconds else 0.0)


def idle_gaps(intervals: Iterable[Interval], seconds: float) -> list[tuple[float, float]]:
    """Return the stretches of the timeline during which no step was busy."""
    gaps, reached = [], 0.0
    for begin, end in sorted((a, b) for a, b in intervals):
        if begin > reached:
            gaps.append((reached, begin))
        reached = max(reached, end)
    if seconds > reached:
        gaps.append((reached, seconds))
    return gaps


def _busy_lane(intervals: Sequence[Interval], seconds: float) -> dict[str, Any]:
    curve = busy_curve(intervals, seconds)
    gaps = idle_gaps(intervals, seconds) if seconds else []
    return {
        "points": polygon(curve, seconds),
        "max_label": f"{curve.peak:.0f}",
        "summary": f"Steps busy at once: most {curve.peak:.0f}, mean {curve.mean:.1f}",
        "idle": [
            {"x": round(_percent(a, seconds), 3), "width": round(_percent(b - a, seconds), 3)}
            for a, b in gaps
        ],
    }


RESOURCE_LANES = (
    ("CPU", "cpu_ratio", ratio, "is-executed"),
    ("Memory", "memory_used_bytes", filesize, "is-shared"),
)


def _resource_lanes(resources: ResourceSeries, seconds: float) -> list[dict[str, Any]]:
    lanes = []
    for name, column, show, tone in RESOURCE_LANES:
        curve = sample_curve(resources.offsets_seconds, getattr(resources, column), seconds)
        if curve is None:
            continue
        peak, mean = show(curve.peak), show(curve.mean)
        lanes.append(
            {
                "name": name,
                "max_label": str(peak),
                "points": polygon(curve, seconds),
                "summary": f"{name} of the whole builder: top {peak}, mean {mean}",
                "tone": tone,
            }
        )
    return lanes


def sample_curve(
    offsets: Sequence[float], values: Sequence[float | None], seconds: float
) -> Curve | None:
    """Return the samples that fall on the timeline, or ``None`` if fewer than two do."""
    points = [
        (offset, float(value))
        for offset, value in zip(offsets, values, strict=False)
        if value is not None and 0 <= offset <= seconds
    ]
    if len(points) < 2:  # one point is no curve
        return None
    known = [value for _, value in points]
    return Curve(points, max(known), sum(known) / len(known))


def polygon(curve: Curve, seconds: float) -> str:
    """Return the area under a curve as the points of an SVG polygon."""
    if not seconds:
        return ""
    height = BOX_HEIGHT / curve.peak if curve.peak else 0.0
    dots = [(x * BOX_WIDTH / seconds, BOX_HEIGHT - value * height) for x, value in curve.points]
    corners = [(dots[0][0], BOX_HEIGHT), *dots, (dots[-1][0], BOX_HEIGHT)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
