"""The scale on which a series is looked at: noise is alike at all levels there."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

type Function = Callable[[np.ndarray], np.ndarray]

SMALLEST = 1e-3
"""Durations below a millisecond are measured as one."""


@dataclass(frozen=True, slots=True)
class Scale:
    """``to`` maps values to levels of the scale, and ``back`` undoes it."""

    to: Function
    back: Function
    relative: bool
    """Whether a change is told as after ÷ before − 1."""

    def level(self, value: float) -> float:
        """Return ``to`` of a single value."""
        return float(self.to(np.array(value)))

    def value(self, level: float) -> float:
        """Return ``back`` of a single level."""
        return float(self.back(np.array(level)))

    def change(self, before: float, after: float) -> float:
        """Return the change between two values."""
        return after / before - 1 if self.relative else after - before


def _logarithm(least: float) -> Scale:
    return Scale(lambda values: np.log(np.maximum(values, least)), np.exp, relative=True)


def _arcsine(values: np.ndarray) -> np.ndarray:
    """Return shares so that their variance does not depend on their level (Bartlett 1947)."""
    return np.asarray(np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0))))


def _squared_sine(levels: np.ndarray) -> np.ndarray:
    return np.asarray(np.sin(np.clip(levels, 0.0, np.pi / 2)) ** 2)


def plain(one: float) -> Scale:
    """Return the scale on which ``one`` is 1."""
    return Scale(lambda values: values / one, lambda levels: levels * one, relative=False)


SCALES = {
    "s": _logarithm(SMALLEST),
    "bytes": _logarithm(1.0),
    "ratio": Scale(_arcsine, _squared_sine, relative=False),
    "": plain(1.0),
}
"""By unit; values of no known unit are taken as they are."""
