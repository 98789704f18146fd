"""The scan for a split: robust fit of the design, and the score of every place in a window."""

from dataclasses import dataclass

import numpy as np

from analytics.changes.design import Design
from analytics.changes.noise import inflation, spread_of

EXACT = 1e-12
"""Squares below which nothing is left of the noise."""

ROUNDS = 4
"""Of reweighting; further ones change nothing that matters."""

LEAST = 0.1
"""Information (in builds) below which the design explains a change as well."""


@dataclass(frozen=True, slots=True)
class Fit:
    """``residuals`` and ``effects`` on the series' scale, ``spread`` of the noise."""

    columns: np.ndarray
    base: tuple[int, ...]
    """Columns that are the oldest level, and its creep if it may."""
    residuals: np.ndarray
    effects: np.ndarray
    spread: float
    inverse: np.ndarray
    """Of the design's normal matrix with its priors, for unit spread."""


@dataclass(frozen=True, slots=True)
class Places:
    """Builds of the newest level ``before``, and ``after``, each place from ``low`` on.

    ``information`` of a change there is in builds, too: less where covariates changed as well.
    """

    low: int
    before: np.ndarray
    after: np.ndarray
    information: np.ndarray


@dataclass(frozen=True, slots=True)
class Splits:
    """Scores ``z`` of a change at places from ``low`` on; ``errors`` of its size, in spreads."""

    low: int
    z: np.ndarray
    errors: np.ndarray

    @property
    def best(self) -> float:
        """The largest score, whatever its sign."""
        return float(np.max(np.abs(self.z)))


def fit(values: np.ndarray, made: Design, clip: float, least: float) -> Fit:
    """Fit ``values`` by Huber's weights (1964), effects shrunken by their priors.

    ``clip`` is in spreads; ``least`` is the smallest spread that is believed.
    """
    columns, priors = made.columns, made.priors
    centre = float(np.median(values))
    target = values - centre
    weights, spread, effects = np.ones(len(values)), spread_of(target, least), priors
    residuals = target
    for _ in range(ROUNDS):
        weighted = columns * weights[:, None]
        normal = weighted.T @ columns + np.diag((spread / priors) ** 2)
        effects = np.linalg.solve(normal, weighted.T @ target)
        residuals = target - columns @ effects
        spread = spread_of(residuals, least)
        weights = clip * spread / np.maximum(np.abs(residuals), clip * spread)
    inverse = np.linalg.inv(columns.T @ columns + np.diag((spread / priors) ** 2))
    effects[0] += centre
    return Fit(columns, made.base, residuals, effects, spread, inverse)


def places(fitted: Fit, begins: int, low: int) -> Places:
    """Return what is known of a change at ``low`` and later, before any score is looked at."""
    tails = np.cumsum(fitted.columns[::-1], axis=0)[::-1][low:]
    after = np.arange(len(tails), 0, -1.0)
    explained = np.sum((tails @ fitted.inverse) * tails, axis=1)
    before = np.maximum(low - begins + len(tails) - after, 1.0)
    return Places(low, before, after, np.maximum(after - explained, LEAST))


def splits(fitted: Fit, where: Places, after: int, clip: float) -> Splits:
    """Return the scores of a change at all places that have ``after`` builds or more.

    The score is the sum of clipped residuals from the place on, over its standard error. What
    the design explains has no part in it: neither in the sum nor in the error. The noise is what
    the best step leaves of level and creep: where covariates explain that step as well, it leaves
    much, and is believed the less.
    """
    columns, size = fitted.columns, len(fitted.residuals)
    scores = np.clip(fitted.residuals / fitted.spread, -clip, clip)
    scores = scores - columns @ (fitted.inverse @ (columns.T @ scores))
    count = size - after + 1 - where.low
    sums = np.cumsum(scores[::-1])[::-1][where.low :][:count]
    information = where.information[:count]
    best = int(np.argmax(sums**2 / information))
    scores[where.low + best :] -= sums[best] / information[best]
    base = columns[:, list(fitted.base)]
    rest = scores - base @ np.linalg.solve(base.T @ base, base.T @ scores)
    power = max(float(rest @ rest), EXACT)
    correlation = float(rest[1:] @ rest[:-1]) / power
    more = inflation(where.after[:count], where.before[:count], correlation)
    errors = np.sqrt(power / size * more / information)
    return Splits(where.low, sums / information / errors, errors)
