"""What builds on one builder cost each other: times of the same steps alone and beside others.

Builds are compared within homogeneous groups. Of a build: its executed steps' busy seconds ÷ the
same steps' medians in builds that were alone, and how many others were there, as a mean by time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.alike import ALONE, BESIDE, ENOUGH, ENOUGH_RUNS, Array, Group, Run, groups_of

RESAMPLES = 1000
SEED = 20_261
SIDES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Level:
    """Builds that had about so many others beside them: as many times as long as alone.

    The 95 % interval and the ratio are ``None`` with fewer than ``ENOUGH_RUNS`` builds.
    """

    others: int
    builds: int
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Slowdown:
    """How much longer builds take for each other one beside them, with its 95 % interval.

    ``slope`` 0.5: beside one other half as long again, beside two twice as long.
    """

    slope: float
    low: float
    high: float
    alone: int
    beside: int
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Slowed:
    """One build beside others: how many times as long as alone its steps took."""

    group: str
    build: int
    ratio: float
    others: float


class Contention:
    """The groups of a builder's builds, and what is to be said of each and of all of them."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._groups = groups_of(runs)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Builds alone and builds beside others, of each group."""
        return {name: group.counts for name, group in self._groups.items()}

    def of(self, name: str) -> Slowdown | None:
        """Return the slow-down in one group; ``None`` with too few builds."""
        return _slowdown([self._groups[name]])

    def whole(self) -> Slowdown | None:
        """Return that of all groups which have enough builds."""
        return _slowdown(list(self._groups.values()))

    def slowest(self, most: int) -> list[Slowed]:
        """Return the builds beside others that took longest against builds alone."""
        found = [
            Slowed(group.name, int(build), float(ratio), float(others))
            for group in self._groups.values()
            if group.counts[0] >= ENOUGH
            for build, ratio, others in zip(
                group.builds, _Resampled.of(group, None).ratios[0], group.others, strict=True
            )
            if others >= BESIDE and ratio > 1
        ]
        return sorted(found, key=lambda one: (-one.ratio, one.build))[:most]


@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """Ratios and others, a row for each resample and a column for each of its builds."""

    ratios: Array
    others: Array

    @classmethod
    def of(cls, group: Group, random: np.random.Generator | None) -> "_Resampled":
        """Draw builds alone and builds beside others anew, each side from itself, with repeats.

        Without ``random`` once, as they are. The usual times are those of the builds drawn.
        """
        alone, other = np.flatnonzero(group.is_alone), np.flatnonzero(~group.is_alone)
        if random is None:
            places = np.arange(len(group.builds))[None, :]
            drawn_alone = alone[None, :]
        else:
            drawn_alone = random.choice(alone, (RESAMPLES, len(alone)))
            drawn_other = random.choice(other, (RESAMPLES, len(other)))
            places = np.concatenate([drawn_alone, drawn_other], axis=1)
        usual = _medians(group.seconds[drawn_alone])
        ratios = _ratios(group.seconds, usual)
        level = np.median(np.take_along_axis(ratios, drawn_alone, axis=1), axis=1, keepdims=True)
        return cls(np.take_along_axis(ratios, places, axis=1) / level, group.others[places])


def _medians(drawn: Array) -> Array:
    """Return the medians over the second axis; NaN where a step ran in none of the builds."""
    ordered = np.sort(drawn, axis=1)  # NaN come last
    known = (~np.isnan(drawn)).sum(axis=1, keepdims=True)
    low, high = np.maximum(known - 1, 0) // 2, np.minimum(known // 2, drawn.shape[1] - 1)
    pair = [np.take_along_axis(ordered, place, axis=1)[:, 0] for place in (low, high)]
    return np.where(known[:, 0] > 0, (pair[0] + pair[1]) / 2, np.nan)


def _ratios(seconds: Array, usual: Array) -> Array:
    """Return Σ seconds ÷ Σ usual of the steps that ran, a row for each row of ``usual``.

    A build none of whose steps has a usual time in a resample is as long as alone.
    """
    has_usual = ~np.isnan(usual)
    taken = has_usual.astype(float) @ np.nan_to_num(seconds).T
    expected = np.nan_to_num(usual) @ (~np.isnan(seconds)).astype(float).T
    ratios: Array = np.divide(taken, expected, out=np.ones_like(taken), where=expected > 0)
    return ratios


def _slowdown(groups: Sequence[Group]) -> Slowdown | None:
    groups = [group for group in groups if group.has_enough]
    if not groups:
        return None
    random = np.random.default_rng(SEED)
    observed = _joined([_Resampled.of(group, None) for group in groups])
    resampled = _joined([_Resampled.of(group, random) for group in groups])
    low, high = np.percentile(_slopes(resampled), SIDES)
    return Slowdown(
        slope=float(_slopes(observed)[0]),
        low=float(low),
        high=float(high),
        alone=sum(group.counts[0] for group in groups),
        beside=sum(group.counts[1] for group in groups),
        levels=_levels(observed, resampled),
    )


def _joined(parts: Sequence[_Resampled]) -> _Resampled:
    return _Resampled(
        np.concatenate([part.ratios for part in parts], axis=1),
        np.concatenate([part.others for part in parts], axis=1),
    )


def _slopes(drawn: _Resampled) -> Array:
    """Return of each resample the line from (0 others, ratio 1) with least absolute deviations.

    That is the median of (ratio - 1) ÷ others, weighted by others (Bloomfield and Steiger, 1983).
    """
    weights = np.where(drawn.others > ALONE, drawn.others, 0.0)
    slopes = (drawn.ratios - 1) / np.where(weights > 0, weights, 1.0)
    order = np.argsort(slopes, axis=1, kind="stable")
    slopes, weights = (np.take_along_axis(item, order, axis=1) for item in (slopes, weights))
    reached = np.cumsum(weights, axis=1) >= weights.sum(axis=1, keepdims=True) / 2
    return np.take_along_axis(slopes, reached.argmax(axis=1)[:, None], axis=1)[:, 0]


def _levels(observed: _Resampled, resampled: _Resampled) -> tuple[Level, ...]:
    """Return the medians by number of others, to the nearest: alone is 0."""
    found = []
    for others in sorted({int(level) for level in _level(observed.others[0]) if level >= 0}):
        ratios = observed.ratios[0][_level(observed.others[0]) == others]
        if len(ratios) < ENOUGH_RUNS:
            found.append(Level(others, len(ratios), None, None, None))
            continue
        drawn = np.where(_level(resampled.others) == others, resampled.ratios, np.nan)
        known = (~np.isnan(drawn)).any(axis=1)
        low, high = np.percentile(np.nanmedian(drawn[known], axis=1), SIDES)
        ratio = float(np.median(ratios))
        found.append(Level(others, len(ratios), ratio, float(low), float(high)))
    return tuple(found)


def _level(others: Array) -> Array:
    """Return 0 for alone, else the nearest whole number; -1 in between: few others are not none."""
    nearest = np.floor(others + 0.5)
    return np.where(others <= ALONE, 0, np.where(others < BESIDE, -1, nearest))
