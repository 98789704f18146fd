"""What builds of the same homogeneous group usually are."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from builds.models import Build
from builds.querysets import USUAL_BUILDS

NOTABLE_RATIO = 0.05
"""A difference below this share of the usual is called the same."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Medians over the last ``builds`` comparable builds; the deltas are this build's."""

    builds: int
    wall_seconds: float
    delta_seconds: float | None
    verdict: str


def usual_of(build: Build) -> Usual | None:
    """Return the usual of the builds comparable to ``build`` that came before it, if any."""
    past = Build.objects.comparable_to(build).values_list("wall_seconds", flat=True)
    walls = list(past[:USUAL_BUILDS])
    usual = known_median(walls)
    if usual is None:
        return None
    delta = None if build.wall_seconds is None else build.wall_seconds - usual
    return Usual(len(walls), usual, delta, verdict_of(delta, usual))


def known_median(values: Sequence[float | None]) -> float | None:
    """Return the median of the known values, or ``None`` without any."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def verdict_of(delta: float | None, usual: float) -> str:
    """Return ``better``, ``worse`` or ``same`` for a value of which less is better."""
    if delta is None or abs(delta) <= NOTABLE_RATIO * usual:
        return "same"
    return "worse" if delta > 0 else "better"
