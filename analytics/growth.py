"""Growth of a series over time, and when it reaches a limit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ENOUGH = 5
"""Points from which on a trend is told; the interval of fewer holds any slope."""

NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight trend. ``a_day`` with its 95 % interval; ``level`` is that of the last point.

    ``days_left`` until the limit: likely, earliest and latest; ``None`` where the trend does not
    lead there.
    """

    a_day: float
    low: float
    high: float
    level: float
    days_left: float | None
    earliest: float | None
    latest: float | None


def growth(days: Sequence[float], values: Sequence[float], limit: float | None) -> Growth | None:
    """Return the trend of ``values`` at ascending ``days``; ``None`` with fewer than ``ENOUGH``.

    The slope is the median of the slopes of all pairs (Theil 1950, Sen 1968), which a few odd
    values do not move; its interval that of Sen, from the variance of Kendall's S.
    """
    if len(days) < ENOUGH:
        return None
    times, levels = np.asarray(days, float), np.asarray(values, float)
    first, second = np.triu_indices(len(times), k=1)
    slopes = np.sort((levels[second] - levels[first]) / (times[second] - times[first]))
    slope = float(np.median(slopes))
    low, high = _interval(slopes, len(times))
    level = float(np.median(levels - slope * times) + slope * times[-1])
    left = None if limit is None else limit - level
    return Growth(slope, low, high, level, _days(left, slope), _days(left, high), _days(left, low))


def _interval(slopes: np.ndarray, points: int) -> tuple[float, float]:
    width = NORMAL_95 * np.sqrt(points * (points - 1) * (2 * points + 5) / 18)
    lowest = max(0, int(np.floor((len(slopes) - width) / 2)) - 1)
    highest = min(len(slopes) - 1, int(np.ceil((len(slopes) + width) / 2)))
    return float(slopes[lowest]), float(slopes[highest])


def _days(left: float | None, slope: float) -> float | None:
    """Return how long what is left lasts: nothing if there is none left."""
    if left is None:
        return None
    if left <= 0:
        return 0.0
    return left / slope if slope > 0 else None
