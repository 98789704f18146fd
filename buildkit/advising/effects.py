"""Whether builds take less time since a change, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

ENOUGH = 8
"""Builds on each side from which on an effect is told."""

RESAMPLES = 10_000
SUM_RESAMPLES = 2_000
LARGEST = 200
"""Builds on each side that are looked at, those next to the change: more take long to resample."""

_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Effect:
    """Means in seconds a build, their difference (after - before), and its 95 % interval."""

    before: float
    after: float
    difference: float
    low: float
    high: float


def effect(before: Sequence[float], after: Sequence[float]) -> Effect | None:
    """Return the effect of a change on seconds a build, oldest first; ``None`` without ``ENOUGH``.

    The interval is the percentile bootstrap of the difference of means (Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, chapter 13), of ``RESAMPLES`` resamples of each side
    by a fixed seed: equal input gives equal output. It is somewhat too narrow for few builds.
    """
    if len(before) < ENOUGH or len(after) < ENOUGH:
        return None
    old, new = before[-LARGEST:], after[:LARGEST]
    # Means of resamples of what lies around the mean: a shift of all values shifts the interval.
    one, other = fmean(old), fmean(new)
    deviations = [value - one for value in old], [value - other for value in new]
    random = Random(_SEED)  # noqa: S311 - a resampling, no secret
    drawn = sorted(
        fmean(random.choices(deviations[1], k=len(new)))
        - fmean(random.choices(deviations[0], k=len(old)))
        for _ in range(RESAMPLES)
    )
    middle = other - one
    return Effect(one, other, middle, middle + _at(drawn, 0.025), middle + _at(drawn, 0.975))


def interval_of_sum(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of a sum over builds, one value a build, most of them maybe zero.

    The percentile bootstrap as above, of all builds: how many had something to spare is as much a
    matter of chance as how much. ``None`` of fewer than ``ENOUGH``, of which resamples say little.
    """
    if len(values) < ENOUGH:
        return None
    random = Random(_SEED)  # noqa: S311 - a resampling, no secret
    drawn = sorted(sum(random.choices(values, k=len(values))) for _ in range(SUM_RESAMPLES))
    return _at(drawn, 0.025), _at(drawn, 0.975)


def _at(ordered: Sequence[float], share: float) -> float:
    """Return a quantile, between two values by a straight line."""
    place = share * (len(ordered) - 1)
    lower = int(place)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (place - lower) * (ordered[upper] - ordered[lower])
