"""How fast findings are fixed, how old the open ones are, and how many were open by day.

Ages are whole days. Every frame that comes in counts: one row stands for ``count`` findings.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

AGES = (7, 30, 90, 180)
"""Last days of the ages by which open findings are told apart; what is older is one more."""

HALF, MOST = 0.5, 0.1
"""Shares that are not fixed yet at the median, and at the time by which 90 % are."""

STANDING = {
    "service": "str",
    "environments": "object",
    "base": "str",
    "severity": "int64",
    "opened": "datetime64[s]",
    "overdue": "int64",
    "soon": "int64",
    "count": "int64",
}
"""Findings that are open now: since which day, and how many of them are overdue, or due soon."""

ENDED = {
    "service": "str",
    "environments": "object",
    "base": "str",
    "severity": "int64",
    "opened": "datetime64[s]",
    "fixed": "datetime64[s]",
    "count": "int64",
}
"""Findings that were fixed in the period: since which day they had been open, and until which."""

DAYS = {
    "service": "str",
    "environment": "str",
    "base": "str",
    "severity": "int64",
    "day": "datetime64[s]",
    "opened": "int64",
    "overdue": "int64",
}
"""By how many each day changed what is open and what is overdue; the first has all before it."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Findings that were fixed in a period, those that are open, and days until half and 90 % are.

    ``None`` where so many have not been fixed yet.
    """

    fixed: int
    open: int
    median_days: int | None
    p90_days: int | None


def frame(rows: Iterable[tuple[Any, ...]], columns: dict[str, str]) -> pd.DataFrame:
    """Return rows as a frame of the given columns."""
    return pd.DataFrame(list(rows), columns=list(columns)).astype(columns)


def speed(standing: pd.DataFrame, ended: pd.DataFrame, first: date, last: date) -> Speed:
    """Return how fast findings are fixed, by those that were open at any time in a period.

    Kaplan and Meier's estimate, with those that are open still as not fixed yet, and those that
    were open before the period from the age on that they had when it began: neither the ones that
    are never fixed are left out, nor those that were fixed before anybody looked.
    """
    begin, end = pd.Timestamp(first), pd.Timestamp(last)
    left = np.concatenate([_days(ended["fixed"], ended["opened"]), _days(end, standing["opened"])])
    opened = pd.concat([ended["opened"], standing["opened"]])
    entered = np.minimum(_days(begin, opened), left)
    counts = np.concatenate([ended["count"].to_numpy(), standing["count"].to_numpy()])
    is_fixed = np.arange(len(left)) < len(ended)
    ages, shares = _unfixed(entered, left, counts, is_fixed)
    return Speed(
        fixed=int(ended["count"].sum()),
        open=int(standing["count"].sum()),
        median_days=_first_below(ages, shares, HALF),
        p90_days=_first_below(ages, shares, MOST),
    )


def _days(later: Any, earlier: Any) -> np.ndarray:
    found = (later - earlier) / pd.Timedelta(days=1)
    return np.maximum(np.asarray(found, float), 0).astype(int)


def _unfixed(
    entered: np.ndarray, left: np.ndarray, counts: np.ndarray, is_fixed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ages at which findings were fixed, and which share was not yet after each."""
    ages = np.unique(left[is_fixed])
    at_risk = np.array([counts[(entered <= age) & (left >= age)].sum() for age in ages], float)
    fixed = np.array([counts[is_fixed & (left == age)].sum() for age in ages], float)
    return ages, np.cumprod(1 - fixed / at_risk) if len(ages) else np.array([])


def _first_below(ages: np.ndarray, shares: np.ndarray, share: float) -> int | None:
    reached = np.flatnonzero(shares <= share + 1e-12)
    return int(ages[reached[0]]) if len(reached) else None


def ageing(standing: pd.DataFrame, last: date) -> dict[int, list[int]]:
    """Return how many are open by severity, and by age: up to each of ``AGES``, and beyond."""
    ages = _days(pd.Timestamp(last), standing["opened"])
    buckets = np.searchsorted(np.array(AGES), ages)
    found: dict[int, list[int]] = {}
    for severity, bucket, count in zip(
        standing["severity"], buckets, standing["count"], strict=True
    ):
        found.setdefault(int(severity), [0] * (len(AGES) + 1))[int(bucket)] += int(count)
    return found


def by_day(changes: pd.DataFrame, first: date, last: date, columns: str) -> pd.DataFrame:
    """Return how many were open at the end of each day, a column for each value of ``columns``."""
    days = pd.date_range(first, last, freq="D")
    table = changes.pivot_table(
        index="day", columns=columns, values="opened", aggfunc="sum", fill_value=0, observed=True
    )
    return table.reindex(days, fill_value=0).cumsum().astype("int64")


def total_by_day(changes: pd.DataFrame, first: date, last: date, value: str) -> pd.Series:
    """Return how many were open, or overdue, at the end of each day."""
    days = pd.date_range(first, last, freq="D")
    return changes.groupby("day")[value].sum().reindex(days, fill_value=0).cumsum()
