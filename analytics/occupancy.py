"""How many builds were on one builder at once; times in seconds on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

type Span = tuple[float, float]
"""From when until when a build was there."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Σ of the builds' seconds, seconds with at least one build, and the most builds at once."""

    busy_seconds: float
    occupied_seconds: float
    most: int


def occupancy(spans: Sequence[Span], begin: float, end: float) -> Occupancy:
    """Return how full the builder was in that time."""
    clipped = [(max(a, begin), min(b, end)) for a, b in spans if min(b, end) > max(a, begin)]
    if not clipped:
        return Occupancy(0.0, 0.0, 0)
    # An end comes before a beginning at the same moment: these two builds were not there at once.
    edges = sorted([(a, 1) for a, _ in clipped] + [(b, -1) for _, b in clipped])
    at, change = np.array(edges, dtype=float).T
    there = np.cumsum(change)
    lasting = np.diff(at)
    return Occupancy(
        busy_seconds=float((there[:-1] * lasting).sum()),
        occupied_seconds=float(lasting[there[:-1] > 0].sum()),
        most=int(there.max()),
    )


def beside(intervals: Sequence[Span], others: Sequence[Span]) -> float:
    """Return how many of ``others`` were there during ``intervals``, as a mean by time.

    ``intervals`` are disjoint; those without any length have nothing beside them.
    """
    own = np.array(intervals, dtype=float).reshape(-1, 2)
    length = float((own[:, 1] - own[:, 0]).sum())
    if length <= 0 or not others:
        return 0.0
    spans = np.array(others, dtype=float)
    first = np.maximum(own[:, :1], spans[:, 0])
    last = np.minimum(own[:, 1:], spans[:, 1])
    return float(np.clip(last - first, 0, None).sum()) / length
