"""Which times and values a chart spans."""

from collections.abc import Sequence
from dataclasses import dataclass

from buildinsights.charts.model import Chart, Level, Spot, seconds
from buildinsights.charts.ticks import ticks
from buildinsights.svg import Frame

ROOM = 0.015
"""Left and right of the first and the last point, as a share of the time between them."""

HEADROOM = 1.06
FARTHEST_LEVEL = 2.0
"""A level further up, in multiples of the highest value, would flatten the line: it is left out."""


@dataclass(frozen=True, slots=True)
class Scales:
    """From ``first`` to ``last`` in seconds since 1970, and from 0 to ``top``."""

    first: float
    last: float
    top: float
    ticks: Sequence[float]
    levels: Sequence[Level]

    @classmethod
    def of(cls, chart: Chart, known: Sequence[Spot]) -> "Scales":
        times = [seconds(spot.at) for spot in (*chart.spots, *chart.dots)]
        room = (max(times) - min(times)) * ROOM or 1.0
        drawn = [value for spot in (*known, *chart.dots) for value in (spot.value, spot.high)]
        highest = max(value for value in drawn if value is not None)
        levels = [level for level in chart.levels if level.value <= highest * FARTHEST_LEVEL]
        top = max([highest, *(level.value for level in levels)]) or 1.0
        most = max([top, *(v for spot in known for v in spot.more.values() if v is not None)])
        marked = ticks(chart.unit, top * HEADROOM, most)
        return cls(min(times) - room, max(times) + room, top * HEADROOM, marked, levels)

    def frame(self) -> Frame:
        """Return the same for SVG."""
        return Frame(self.first, self.last, self.top)
