"""Segmentation of a whole series: binary, penalised, and not fooled by slopes."""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

PARAMETER = 3.0
"""Penalty of a parameter in log n: Schwarz (1978) takes 1, Zhang and Siegmund (2007) 1.5 with a
place; noise that is persistent and has heavy tails is worth about half the builds that it has."""

LINE, STEP, LINES = 1 * PARAMETER, 2 * PARAMETER, 4 * PARAMETER
"""What is added to one level: a slope; a level and a place; a level, two slopes and a place."""

SMALL = 1e-9
"""Of the series' variance: below it a fit is exact."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Running sums of values, times and their products; those of a segment are differences."""

    x: np.ndarray
    xx: np.ndarray
    t: np.ndarray
    tt: np.ndarray
    tx: np.ndarray
    least: float


def segments(values: np.ndarray, shortest: int, most: int) -> list[int]:
    """Return where the segments of a series begin but the first, at most ``most``, in order.

    A segment is split as long as two levels, or two lines, explain it better than one level and
    one line, all by their likelihood less their penalty. Slow growth is thus no staircase.
    """
    size = len(values)
    sums = _sums(values)
    if sums is None or size < 2 * shortest:
        return []
    found, queue = list[int](), [_best(sums, 0, size, shortest)]
    while queue and len(found) < most:
        loss, begin, place, end = heappop(queue)
        if loss >= 0:
            break
        found.append(place)
        for first, last in ((begin, place), (place, end)):
            if last - first >= 2 * shortest:
                heappush(queue, _best(sums, first, last, shortest))
    return sorted(found)


def _sums(values: np.ndarray) -> Sums | None:
    """Return the sums of a series; ``None`` if it is constant."""
    x = values - values.mean()
    t = np.arange(len(x)) / len(x) - 0.5
    least = SMALL * float(x.var())
    if least == 0:
        return None
    x_sums, xx, times, tt, tx = (_running(part) for part in (x, x * x, t, t * t, t * x))
    return Sums(x_sums, xx, times, tt, tx, least)


def _running(part: np.ndarray) -> np.ndarray:
    return np.concatenate(([0.0], np.cumsum(part)))


def _best(sums: Sums, begin: int, end: int, shortest: int) -> tuple[float, int, int, int]:
    """Return the loss (below 0: a gain), begin, place and end of a segment's best split."""
    places = np.arange(begin + shortest, end - shortest + 1)
    begins, ends = np.full_like(places, begin), np.full_like(places, end)
    level, line = _left(sums, begins[:1], ends[:1])
    (low, low_line), (high, high_line) = _left(sums, begins, places), _left(sums, places, ends)
    step, lines = low + high, low_line + high_line
    penalty = np.log(len(sums.x) - 1)

    def gain(squares: float, parameters: float) -> float:
        return float((end - begin) * np.log(level[0] / squares) - parameters * penalty)

    whole = max(0.0, gain(line[0], LINE))
    two_levels, two_lines = gain(float(step.min()), STEP), gain(float(lines.min()), LINES)
    place = int(np.argmin(step if two_levels >= two_lines else lines))
    return whole - max(two_levels, two_lines), begin, int(places[place]), end


def _left(sums: Sums, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the squares that one level, and one line, leave of each segment."""
    count = ends - begins
    x, xx, t, tt, tx = (
        part[ends] - part[begins] for part in (sums.x, sums.xx, sums.t, sums.tt, sums.tx)
    )
    level = xx - x * x / count
    across, along = tx - t * x / count, np.maximum(tt - t * t / count, 1e-30)
    least = sums.least * count
    return np.maximum(level, least), np.maximum(level - across**2 / along, least)
