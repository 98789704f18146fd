"""Series as SVG points; pure, so that a template needs only to print them."""

from collections.abc import Sequence
from dataclasses import dataclass

MIN_POINTS = 2
"""One point is no series."""


@dataclass(frozen=True, slots=True)
class Box:
    """The viewBox that points are laid out in; y runs downwards."""

    width: float
    height: float
    margin: float = 2.0


SPARKLINE = Box(100, 24)
TREND = Box(1000, 200, margin=8)

Band = tuple[float, float, float]
"""Low, middle and high of one position."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """A polyline and the polygon of its band; both empty where there are too few points."""

    points: str
    band: str
    top: float


def shapes(series: Sequence[Band | None], box: Box) -> Shapes:
    """Lay a series out in ``box``, evenly spaced; ``None`` is a gap that the line bridges.

    The scale starts at zero, so that a small wobble does not look like a cliff.
    """
    known = [(index, band) for index, band in enumerate(series) if band is not None]
    if len(known) < MIN_POINTS:
        return Shapes("", "", 0.0)
    top = max(band[2] for _, band in known) or 1.0
    step = box.width / (len(series) - 1)
    scale = (box.height - 2 * box.margin) / top

    def dot(index: int, value: float) -> str:
        return f"{index * step:.1f},{box.height - box.margin - value * scale:.1f}"

    line = [dot(index, band[1]) for index, band in known]
    upper = [dot(index, band[2]) for index, band in known]
    lower = [dot(index, band[0]) for index, band in reversed(known)]
    return Shapes(" ".join(line), " ".join(upper + lower), top)


@dataclass(frozen=True, slots=True)
class Frame:
    """Scales of a chart that fills ``TREND``: from ``first`` to ``last``, from 0 to ``top``."""

    first: float
    last: float
    top: float

    def x(self, at: float) -> float:
        """Return how far right a position lies."""
        return round(TREND.width * (at - self.first) / (self.last - self.first), 1)

    def y(self, value: float) -> float:
        """Return how far down a value lies."""
        return round(TREND.height * (1 - value / self.top), 1)

    def path(self, spots: Sequence[tuple[float, float]]) -> str:
        """Return the points of a line or a polygon."""
        return " ".join(f"{self.x(at)},{self.y(value)}" for at, value in spots)
