"""The spread of noise, and what it is worth if it is persistent."""

import numpy as np

TO_SD = 1.4826
"""Standard deviation ÷ median absolute deviation of normal noise."""

PERSISTENT = 0.9
"""Correlation of neighbours that is believed at most: with more there is no level."""


def spread_of(residuals: np.ndarray, least: float) -> float:
    """Return the spread of noise from successive differences, which steps do not widen."""
    steps = np.abs(residuals[1:] - residuals[:-1])
    middle = len(steps) // 2
    return max(TO_SD * float(np.partition(steps, middle)[middle]) / 2**0.5, least)


def inflation(after: np.ndarray, before: np.ndarray, correlation: float) -> np.ndarray:
    """Return how much more a difference of two means varies if neighbours are correlated."""
    if correlation <= 0:
        return np.ones(len(after))
    correlation = min(correlation, PERSISTENT)
    both = _mean_variance(after, correlation) + _mean_variance(before, correlation)
    return np.asarray(both / (1 / after + 1 / before))


def _mean_variance(count: np.ndarray, r: float) -> np.ndarray:
    """Return the variance of the mean of ``count`` values of unit variance (AR 1)."""
    lost = 2 * r * (1 - r**count) / (count * (1 - r) ** 2)
    return np.asarray(((1 + r) / (1 - r) - lost) / count)
