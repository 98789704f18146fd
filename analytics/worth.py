"""Hit ratios and time saved, from sums over days; formulas are in docs/metrics.md."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analytics.columns import SUMS

COUNTS = frozenset(name for name in SUMS if not name.endswith("_seconds"))

type Row = dict[str, Any]
"""``SUMS``, ``hit_ratio_steps`` and ``hit_ratio_time``; what is not known is ``None``."""


def frame_of(rows: Iterable[Mapping[str, Any]], by: str) -> pd.DataFrame:
    """Return rows of ``SUMS`` as a frame, indexed by their column ``by``."""
    return pd.DataFrame(list(rows), columns=[by, *SUMS]).set_index(by).astype(float)


def totals(frame: pd.DataFrame) -> Row:
    """Return all sums and ratios of a frame as one row."""
    return rows_of(frame.sum().to_frame().T)[0]


def by_cost(frame: pd.DataFrame) -> dict[Any, Row]:
    """Return sums and ratios by index, those with most executed seconds first."""
    return rows_of(frame.sort_values("executed_seconds", ascending=False, kind="stable"))


def rows_of(sums: pd.DataFrame) -> dict[Any, Row]:
    """Return sums with their ratios by index; counts are whole numbers."""
    return {
        index: {
            str(name): None if pd.isna(value) else int(value) if name in COUNTS else float(value)
            for name, value in row.items()
        }
        for index, row in with_ratios(sums).to_dict("index").items()
    }


def with_ratios(sums: pd.DataFrame) -> pd.DataFrame:
    """Add ``hit_ratio_steps`` and ``hit_ratio_time`` to sums; NaN where there is none.

    Steps: cached ÷ cacheable that ended. Time: Σ baseline of cached ÷ (the same + Σ executed).
    """
    seconds = sums["saved_seconds"] + sums["executed_seconds"]
    return sums.assign(
        hit_ratio_steps=sums["cached_steps"] / sums["cacheable_steps"].where(lambda n: n > 0),
        hit_ratio_time=sums["saved_seconds"] / seconds.where(lambda total: total > 0),
    )
