"""The timeline of a build as numbers that a template can draw.

Positions and widths are in thousandths of the timeline, so that SVG needs no inline style.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builds.models import Build, ResourceSeries, Step

SCALE = 1000.0
MIN_BAR = 1.5
"""The narrowest bar that can still be seen."""

TICK_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
MAX_TICKS = 8
LANE_HEIGHT = 40.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One busy interval."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One step on the timeline."""

    step: Step
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Lane:
    """A curve under the timeline: an SVG path in a box of SCALE × LANE_HEIGHT."""

    name: str
    unit: str
    peak: float
    average: float
    points: str
    area: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Everything that the timeline shows."""

    seconds: float
    ticks: list[dict[str, float]]
    rows: list[Row]
    busy: Lane | None
    lanes: list[Lane]


def waterfall(
    build: Build, steps: Sequence[Step], resources: ResourceSeries | None = None
) -> Waterfall:
    """Lay the steps of a build out on its timeline."""
    end = max((pair[1] for step in steps for pair in step.intervals), default=0.0)
    seconds = max(build.wall_seconds or 0.0, end)
    scale = SCALE / seconds if seconds else 0.0
    rows = [Row(step, [_bar(pair, scale) for pair in step.intervals]) for step in steps]
    return Waterfall(
        seconds=seconds,
        ticks=ticks(seconds),
        rows=rows,
        busy=busy_lane((pair for step in steps for pair in step.intervals), seconds),
        lanes=resource_lanes(resources, seconds) if resources else [],
    )


def _bar(pair: Sequence[float], scale: float) -> Bar:
    begin, end = pair
    width = max((end - begin) * scale, MIN_BAR)
    x = min(max(begin * scale, 0.0), SCALE - width)
    return Bar(round(x, 2), round(width, 2), f"{begin:.2f} s to {end:.2f} s")


def ticks(seconds: float) -> list[dict[str, float]]:
    """Return round times on the axis, at most ``MAX_TICKS``, with their positions."""
    if seconds <= 0:
        return []
    step = next((s for s in TICK_STEPS if seconds / s <= MAX_TICKS), seconds / MAX_TICKS)
    count = int(seconds / step)
    return [
        {"x": round(index * step * SCALE / seconds, 2), "seconds": round(index * step, 3)}
        for index in range(count + 1)
    ]


def busy_lane(intervals: Iterable[Sequence[float]], seconds: float) -> Lane | None:
    """Return how many steps were busy at each moment, or ``None`` without any."""
    changes: dict[float, int] = {}
    for begin, end in intervals:
        if end > begin:
            changes[begin] = changes.get(begin, 0) + 1
            changes[end] = changes.get(end, 0) - 1
    if not changes or seconds <= 0:
        return None
    level, curve, total, last = 0, [(0.0, 0.0)], 0.0, 0.0
    for moment in sorted(changes):
        total += level * (moment - last)
        curve.append((moment, float(level)))
        level += changes[moment]
        curve.append((moment, float(level)))
        last = moment
    curve.append((seconds, 0.0))
    return _lane("Busy steps", "", curve, seconds, total / seconds)


RESOURCE_LANES = (("CPU", "ratio", "cpu_ratio"), ("Memory", "bytes", "memory_used_bytes"))


def resource_lanes(resources: ResourceSeries, seconds: float) -> list[Lane]:
    """Return the builder-wide curves that were recorded."""
    lanes = []
    for name, unit, column in RESOURCE_LANES:
        values = getattr(resources, column)
        curve = [
            (offset, value)
            for offset, value in zip(resources.offsets_seconds, values, strict=False)
            if value is not None and 0 <= offset <= seconds
        ]
        if len(curve) > 1:
            average = sum(value for _, value in curve) / len(curve)
            lanes.append(_lane(name, unit, curve, seconds, average))
    return lanes


def _lane(
    name: str, unit: str, curve: Sequence[tuple[float, float]], seconds: float, average: float
) -> Lane:
    peak = max(value for _, value in curve)
    height = LANE_HEIGHT / peak if peak else 0.0
    points = [f"{x * SCALE / seconds:.2f},{LANE_HEIGHT - value * height:.2f}" for x, value in curve]
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    area = f"{first},{LANE_HEIGHT:.2f} {' '.join(points)} {last},{LANE_HEIGHT:.2f}"
    return Lane(name, unit, peak, average, " ".join(points), area)
