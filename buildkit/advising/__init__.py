"""Layer advice: what a changed Dockerfile would have spared, told from recorded builds."""

from buildkit.advising.advice import Advice, Applied, Kind, Observed, Place
from buildkit.advising.advise import advise
from buildkit.advising.effects import Effect, effect, interval_of_sum
from buildkit.advising.following import applied
from buildkit.advising.observing import observed

__all__ = [
    "Advice",
    "Applied",
    "Effect",
    "Kind",
    "Observed",
    "Place",
    "advise",
    "applied",
    "effect",
    "interval_of_sum",
    "observed",
]
