"""The history view: changes of a whole series at once. It never alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from analytics.changes.adjust import adjusted
from analytics.changes.hours import working_hours
from analytics.changes.noise import TO_SD, spread_of
from analytics.changes.params import Params
from analytics.changes.scales import SCALES
from analytics.changes.segments import segments

DEFAULT = Params()
AROUND = 7
"""Builds whose median a build is held against to be clipped; a burst of three is no majority."""

CLIP = 3.0
"""Spreads around that median that are kept."""

SHORTEST = 5
"""Builds of a segment."""

MOST = 5
"""Changes in a window of builds, on average, and in any series."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of level at build ``index``; medians of the segments on either side, adjusted."""

    index: int
    before: float
    after: float


def history(
    values: Sequence[float],
    timestamps: Sequence[float | None] = (),
    covariates: Mapping[str, Sequence[object]] | None = None,
    unit: str = "",
    params: Params = DEFAULT,
) -> tuple[Change, ...]:
    """Return the changes of a series in order, as the whole of it shows them."""
    if len(values) < 2 * SHORTEST:
        return ()
    scale = SCALES[unit]
    groups: dict[str, Sequence[object]] = dict(covariates or {})
    hours = working_hours(timestamps, params)
    if hours is not None:
        groups["working_hours"] = hours.tolist()
    level = adjusted(scale.to(np.array(values, float)), groups)
    most = max(MOST, MOST * len(level) // params.window)
    found = segments(_clipped(level), SHORTEST, most)
    edges = [0, *found, len(level)]
    medians = [scale.value(float(np.median(level[begin:end]))) for begin, end in pairwise(edges)]
    return tuple(
        Change(index, before, after)
        for index, (before, after) in zip(found, pairwise(medians), strict=True)
    )


def _clipped(values: np.ndarray) -> np.ndarray:
    """Return values with single ones that lie far off pulled to their neighbours."""
    around = pd.Series(values).rolling(AROUND, center=True, min_periods=1).median().to_numpy()
    off = values - around
    spread = max(TO_SD * float(np.median(np.abs(off))), spread_of(values, 0.0))
    spread = spread or float(np.abs(off).mean())
    return np.asarray(around + np.clip(off, -CLIP * spread, CLIP * spread), float)
