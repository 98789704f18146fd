"""A series as an SVG polyline in a box of 100 × 24, y downwards."""

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 100.0, 24.0, 2.0
MIN_POINTS = 3
"""Fewer points than this are no series."""


def sparkline_points(values: Sequence[float | None]) -> str:
    """Return the polyline of the known values, evenly spaced, or ``""`` if they are too few.

    The scale starts at zero: a small wobble must not look like a cliff.
    """
    known = [value for value in values if value is not None]
    if len(known) < MIN_POINTS:
        return ""
    top = max(known) or 1.0
    step = WIDTH / (len(known) - 1)
    height = HEIGHT - 2 * MARGIN
    return " ".join(
        f"{index * step:.1f},{HEIGHT - MARGIN - value / top * height:.1f}"
        for index, value in enumerate(known)
    )
