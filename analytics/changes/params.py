"""What can be set of the detector, and why it is set so."""

from dataclasses import dataclass

METHOD = "robust score test 1"
"""Name and version of the method, told with each event."""


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters; counts are builds, sizes are ratios."""

    window: int = 250
    """Builds that are remembered: a build's cost and a state's size are bounded by it."""

    before: int = 6
    """Builds of the old level that are needed; fewer tell neither level nor spread."""

    after: int = 4
    """Builds of the new level that are needed; bursts of three slow builds are common."""

    z: float = 4.4
    """Score from which on a split counts: 1 of 90 000 without change, as some hundred places are
    looked at, after each build anew."""

    wide: float = 3.0
    """Spreads beyond which a build counts no more, for steps that stand out: soon, yet no single
    build makes a change."""

    narrow: float = 1.0
    """The same for small steps in noise with heavy tails, where far builds only disturb."""

    least: float = 0.03
    """Relative change of a duration (or difference of a ratio) that is worth an alert."""

    least_bytes: float = 0.01
    """The same of a size, which has next to no noise."""

    share: float = 0.25
    """Change of the share of hits of the cache that is worth an alert."""

    news: int = 30
    """Builds after which a change that was not seen before is none any more: it moves the
    baseline and is told as late."""

    same: int = 40
    """Builds since an incident was last seen in which a change the same way is part of it."""

    reopened: float = 1.5
    """Growth of an incident since it was told at which it is told again."""

    outlier: float = 6.0
    """Spreads beyond which builds that stay alone are outliers."""

    work_begins: int = 9
    work_ends: int = 18
    """Working hours, Monday to Friday, in hours of ``utc_offset_hours``."""

    utc_offset_hours: float = 0.0

    def least_of(self, unit: str) -> float:
        """Return the least change of a unit that is worth an alert."""
        return self.least_bytes if unit == "bytes" else self.least
