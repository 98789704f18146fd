"""How often one of two states is met: hits of the cache, or a level that nothing explains."""

import numpy as np

from analytics.changes.noise import inflation

HALF = 0.5
"""Added to either state on either side (Krichevsky, Trofimov 1981): few builds prove little."""

NOTHING = 1e-9
"""Squares below which nothing is left to be correlated."""

APART = 5.0
"""Distance of two levels in spreads of each. Halves of normal noise are 2.7 apart."""

RARE = 0.1
"""Share below which builds far off are outliers and no level."""

SWITCHES = 0.5
"""Switches between two levels, of those of a random order; a change of level switches once."""


def share_scores(states: np.ndarray, low: int, high: int) -> np.ndarray:
    """Return the score of a change of the share of ones at each place from ``low`` to ``high``.

    It is the signed root of twice the log-likelihood ratio, over what persistence adds.
    """
    size, places = len(states), np.arange(low, high + 1)
    total, before = float(states.sum()), np.cumsum(states)[places - 1]
    old, new = places.astype(float), size - places.astype(float)
    parts = _entropy(before, old) + _entropy(total - before, new)
    gain = np.maximum(_entropy(np.array(total), np.array(float(size))) - parts, 0.0)
    was, now = before / old, (total - before) / new
    best = int(np.argmax(gain))
    rest = states - np.where(np.arange(size) >= places[best], now[best], was[best])
    persistence = float(rest[1:] @ rest[:-1]) / max(float(rest @ rest), NOTHING)
    return np.asarray(np.sign(now - was) * np.sqrt(2 * gain / inflation(new, old, persistence)))


def _entropy(ones: np.ndarray, builds: np.ndarray) -> np.ndarray:
    """Return builds × entropy of their share of ones, in nats."""
    share = (ones + HALF) / (builds + 2 * HALF)
    return np.asarray(-builds * (share * np.log(share) + (1 - share) * np.log(1 - share)))


def hidden_level(values: np.ndarray) -> np.ndarray | None:
    """Return 1 for the values of a second, upper level; ``None`` if there is but one.

    The split is that of least variance within (Otsu 1979). Two levels are told from a change by
    how often they take turns, and from outliers by their share.
    """
    size = len(values)
    ordered = np.sort(values)
    counts = np.arange(1.0, size)
    sums = np.cumsum(ordered)[:-1]
    total = sums[-1] + ordered[-1]
    between = (sums - counts / size * total) ** 2 / (counts * (size - counts))
    place = int(np.argmax(between)) + 1
    lower, upper = ordered[:place], ordered[place:]
    if min(len(lower), len(upper)) < RARE * size:
        return None
    spread = np.sqrt((lower.var() * len(lower) + upper.var() * len(upper)) / size)
    if upper.mean() - lower.mean() < APART * spread:
        return None
    states = (values >= upper[0]).astype(float)
    usual = 2 * len(lower) * len(upper) / size
    return states if np.abs(np.diff(states)).sum() >= SWITCHES * usual else None
