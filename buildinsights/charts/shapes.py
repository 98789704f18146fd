"""A chart as shapes of SVG."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from buildinsights.charts.model import Chart, Level, Spot, seconds
from buildinsights.charts.runs import gaps, lines, ranges
from buildinsights.charts.scales import Scales
from buildinsights.svg import Frame


def shapes_of(chart: Chart, scales: Scales) -> dict[str, Any]:
    """Return what ``components/chart.html`` takes."""
    frame = scales.frame()
    banded = ranges(chart.spots)
    return {
        "lines": [_path(run, frame) for run in lines(chart.spots)],
        "gaps": [_path(gap, frame) for gap in gaps(chart.spots)],
        "bands": [_around(run, frame) for run in banded if len(run) > 1],
        "bars": [_around(run, frame) for run in banded if len(run) == 1],
        "dots": [_path([spot], frame) for spot in chart.dots],
        "marks": [{"x": frame.x(seconds(m.at)), "state": m.state} for m in chart.marks],
        "levels": [_level_line(level, scales) for level in scales.levels],
        "grid": [
            {"y": frame.y(tick), "percent": frame.y(tick) / 2, "label": str(chart.shown(tick))}
            for tick in scales.ticks
            if tick <= scales.top
        ],
        "axis": _ends(chart, scales),
    }


def _path(spots: Sequence[Spot], frame: Frame) -> str:
    """Return the points of a line; of one spot it has no length, and is seen by its round ends."""
    path = [(seconds(spot.at), spot.value or 0.0) for spot in spots]
    return frame.path(path if len(path) > 1 else path * 2)


def _around(run: Sequence[Spot], frame: Frame) -> str:
    """Return the points around a range: forth above, and back below."""
    upper = [(seconds(spot.at), spot.high or 0.0) for spot in run]
    lower = [(seconds(spot.at), spot.low or 0.0) for spot in reversed(run)]
    return frame.path([*upper, *lower])


def _level_line(level: Level, scales: Scales) -> dict[str, float]:
    frame = scales.frame()
    first = scales.first if level.first is None else seconds(level.first)
    last = scales.last if level.last is None else seconds(level.last)
    return {"x1": frame.x(first), "x2": frame.x(last), "y": frame.y(level.value)}


def _ends(chart: Chart, scales: Scales) -> list[dict[str, Any]]:
    """Return the first and the last day."""
    times = [seconds(spot.at) for spot in (*chart.spots, *chart.dots)]
    return [
        {"x": x, "label": f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}"}
        for x, at in ((0, min(times)), (100, max(times)))
    ]
