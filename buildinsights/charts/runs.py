"""Points that are neighbours, and the gaps between them."""

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

from buildinsights.charts.model import Spot


def lines(spots: Sequence[Spot]) -> list[list[Spot]]:
    """Return the spots with a value, in groups without a gap in them."""
    return _runs(spots, lambda spot: spot.value is not None)


def ranges(spots: Sequence[Spot]) -> list[list[Spot]]:
    """Return the spots with a range, in groups without a gap in them."""
    return _runs(spots, lambda spot: spot.low is not None and spot.high is not None)


def gaps(spots: Sequence[Spot]) -> list[tuple[Spot, Spot]]:
    """Return the last spot before each gap, and the first after it."""
    return [(left[-1], right[0]) for left, right in pairwise(lines(spots))]


def _runs(spots: Sequence[Spot], is_known: Callable[[Spot], bool]) -> list[list[Spot]]:
    return [list(run) for known, run in groupby(spots, is_known) if known]
