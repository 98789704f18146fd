"""When people work: a covariate that timestamps tell."""

from collections.abc import Sequence

import numpy as np

from analytics.changes.params import Params

HOUR = 3600
THURSDAY = 3
"""The weekday, from Monday as 0, of 1 January 1970."""


def working_hours(timestamps: Sequence[float | None], params: Params) -> np.ndarray | None:
    """Return 1 for builds in working hours; ``None`` if times are unknown or all are alike."""
    if not timestamps or None in timestamps:
        return None
    hours = np.array(timestamps, float) // HOUR + params.utc_offset_hours
    day, hour = (hours // 24 + THURSDAY) % 7, hours % 24
    busy = (day < 5) & (hour >= params.work_begins) & (hour < params.work_ends)
    return None if busy.all() or not busy.any() else busy.astype(float)
