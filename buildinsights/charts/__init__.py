"""Charts over time: as SVG that the server draws, and as a figure that Plotly draws in its place.

Both have the same scales, so that the one takes the other's place without a jump. Times are UTC.
"""

from collections.abc import Sequence
from typing import Any

from buildinsights.charts.figure import figure_of, further
from buildinsights.charts.model import Chart, Level, Mark, Moment, Spot
from buildinsights.charts.runs import ranges
from buildinsights.charts.scales import Scales
from buildinsights.charts.shapes import shapes_of
from buildinsights.svg import MIN_POINTS

__all__ = ["Chart", "Level", "Mark", "Moment", "Spot", "draw"]


def draw(chart: Chart) -> dict[str, Any] | None:
    """Return what ``components/plot.html`` shows; ``None`` where there are too few values."""
    known = [spot for spot in chart.spots if spot.value is not None]
    if max(len(known), len(chart.dots)) < MIN_POINTS:
        return None
    scales = Scales.of(chart, known)
    return {
        "figure": figure_of(chart, known, scales),
        "svg": shapes_of(chart, scales),
        "summary": chart.summary,
        "key": _key(chart, known),
        "zoom": chart.zoom,
        "links": chart.links,
        "table": chart.table,
    }


def _key(chart: Chart, known: Sequence[Spot]) -> list[dict[str, Any]]:
    """Return the lines by name; those that are switched on and off say so. One alone has no key."""
    key: list[dict[str, Any]] = []
    if known:
        key.append({"name": chart.name, "look": "line", "tone": "executed"})
    if ranges(chart.spots):
        key.append({"name": chart.range_name, "look": "band", "tone": "executed"})
    if chart.dots:
        key.append({"name": chart.dots_name, "look": "dots", "tone": "dots"})
    key += [
        {"name": name, "look": "line", "tone": tone.removeprefix("--"), "is_switch": True}
        for name, tone in further(known)
    ]
    return key if len(key) > 1 else []
