"""Distributions that can be added up: counts in buckets, from which quantiles are read.

Buckets grow by a constant ratio, so that a quantile of positive values is off by 1 % at most
(DDSketch: Masson, Rim and Lee, VLDB 2019); those of ratios are even, and off by half a point.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log

GROWTH = 1.02
"""Of a bucket's ends; the middle is then off by 1 % at most."""

RATIO_BUCKETS = 100
ZERO = "0"

type Sketch = Mapping[str, int]
"""Values by bucket: what JSON can hold."""


def sketch(values: Iterable[float], unit: str) -> dict[str, int]:
    """Return how many values lie in each bucket; negative ones count as zero."""
    return dict(Counter(_bucket(value, unit) for value in values))


def weighted_sketch(values: Iterable[tuple[float, float]], unit: str) -> dict[str, int]:
    """Return how much weight lies in each bucket, of pairs of a value and its weight.

    Weights count in thousandths: of seconds, milliseconds.
    """
    total: Counter[str] = Counter()
    for value, weight in values:
        total[_bucket(value, unit)] += round(weight * 1000)
    return dict(total)


def merged(sketches: Iterable[Sketch]) -> dict[str, int]:
    """Return all of them as one."""
    total: Counter[str] = Counter()
    for item in sketches:
        total.update(item)
    return dict(total)


def quantiles(of: Sketch, shares: Sequence[float], unit: str) -> list[float] | None:
    """Return the values below which these shares lie; ``None`` of nothing.

    At rank ``share × (n − 1)``, interpolated between neighbours, as PostgreSQL's percentile_cont.
    """
    count = sum(of.values())
    if not count:
        return None
    ordered = sorted((_value(bucket, unit), number) for bucket, number in of.items())
    return [_between(ordered, share * (count - 1)) for share in shares]


def _between(ordered: Sequence[tuple[float, int]], rank: float) -> float:
    low = _at(ordered, floor(rank))
    return low + (_at(ordered, ceil(rank)) - low) * (rank - floor(rank))


def _at(ordered: Sequence[tuple[float, int]], rank: int) -> float:
    for value, number in ordered:
        if rank < number:
            return value
        rank -= number
    return ordered[-1][0]


def _bucket(value: float, unit: str) -> str:
    if unit == "ratio":
        return str(round(min(1.0, max(0.0, value)) * RATIO_BUCKETS))
    return f"e{ceil(log(value, GROWTH))}" if value > 0 else ZERO


def _value(bucket: str, unit: str) -> float:
    """Return the middle of a bucket: as far from both ends, in proportion."""
    if unit == "ratio":
        return int(bucket) / RATIO_BUCKETS
    if bucket == ZERO:
        return 0.0
    return float(2 * GROWTH ** int(bucket[1:]) / (GROWTH + 1))
