"""What the detector tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a series, told at build ``seen_at``."""

    kind: str
    """``step``, ``drift`` or ``outlier``."""
    status: str
    """``opened``; ``reopened`` (an incident grew by half); ``resolved`` (it went back); ``late``
    (too old to alert of). Outliers are ``seen``."""
    of: str
    """``level``; or the share of builds that are a ``cache_hit``, or on a ``hidden_level``."""
    index: int
    """The first build of the new level, counted from 0; of an incident that grew, of its growth."""
    seen_at: int
    direction: str
    """``up`` or ``down``."""
    before: float
    """Median before, in the series' unit, at the mix of covariates around the change."""
    after: float
    change: float
    """after ÷ before − 1 of times and sizes, after − before of what else."""
    low: float
    """The 95 % interval of ``change``."""
    high: float
    p: float
    """Chance of such a score without any change, times the splits that were looked at."""
    builds_after: int
    method: str
    parameters: dict[str, float]


@dataclass(frozen=True, slots=True)
class Incident:
    """A change of level that is open: told, and not gone back yet."""

    index: int
    last: int
    """The build at which the newest split that belongs to it was seen."""
    size: float
    """On the series' scale, like ``told``: its size when it was last told."""
    told: float
