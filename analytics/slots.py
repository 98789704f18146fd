"""How many builds at once a builder should run, from what builds at once cost each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics.alike import ENOUGH
from analytics.concurrency import Slowdown

MEMORY_RATIO = 0.9
"""Of a builder's memory that builds may take."""

LEAST_GAIN = 0.05
"""More at once are advised only for so much more throughput: each of them takes longer."""

HALF_BELOW = 0.4
"""Use of processors or memory below which half of them would do, with a fifth to spare."""

HALF_BUILDS = 20
"""Builds with samples that this takes."""


class Verdict(StrEnum):
    """What is recommended."""

    TOO_FEW = "too_few"
    NO_SLOWDOWN = "no_slowdown"
    SLOTS = "slots"
    OR_MORE = "or_more"
    """So many, or more: more at once have not been seen often enough."""
    MEMORY = "memory"
    """Not even one build is sure to fit."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a builder: all, in use without builds, and what one build adds."""

    total: float
    idle: float
    per_build: float
    builds: int

    def taken_by(self, at_once: int) -> float:
        """Return what is in use with so many builds."""
        return self.idle + at_once * self.per_build


@dataclass(frozen=True, slots=True)
class Load:
    """So many builds at once: builds done in the time of one alone, and whether they fit.

    ``memory_bytes`` and ``fits`` are ``None`` where memory is not recorded.
    """

    at_once: int
    builds: int
    slowdown: float
    throughput: float
    memory_bytes: float | None
    fits: bool | None


@dataclass(frozen=True, slots=True)
class Slots:
    """What is recommended, and the loads that were compared."""

    verdict: Verdict
    slots: int | None
    loads: tuple[Load, ...] = ()


def memory_of(alone: Sequence[tuple[float, float]], total: float | None) -> Memory | None:
    """Return what builds take, of the least and most in use during each build that was alone.

    What a build adds is the 95th percentile of most less least, and idle is the median of the
    least. ``None`` with fewer than ``ENOUGH`` builds, or without a total.
    """
    if total is None or len(alone) < ENOUGH:
        return None
    low, high = np.array(alone, dtype=float).T
    added = float(np.percentile(high - low, 95))
    return Memory(total, float(np.median(low)), added, len(alone))


def recommend(slowdown: Slowdown | None, memory: Memory | None) -> Slots:
    """Return the number at once with the highest throughput whose memory stays in bounds.

    Throughput of n at once is n ÷ how many times as long they take; the fewest within
    ``LEAST_GAIN`` of the highest are taken. Only numbers that were seen with ``ENOUGH`` builds are
    compared; without a slow-down there is nothing to weigh.
    """
    if slowdown is None:
        return Slots(Verdict.TOO_FEW, None)
    loads = tuple(
        _load(level.others + 1, level.builds, level.ratio, memory)
        for level in slowdown.levels
        if level.builds >= ENOUGH and level.ratio
    )
    if slowdown.low <= 0:
        return Slots(Verdict.NO_SLOWDOWN, None, loads)
    fitting = [load for load in loads if load.fits is not False]
    if not fitting:
        return Slots(Verdict.MEMORY, None, loads)
    highest = max(load.throughput for load in fitting)
    best = next(load for load in fitting if load.throughput * (1 + LEAST_GAIN) >= highest)
    is_edge = best.at_once == loads[-1].at_once
    return Slots(Verdict.OR_MORE if is_edge else Verdict.SLOTS, best.at_once, loads)


def _load(at_once: int, builds: int, ratio: float, memory: Memory | None) -> Load:
    taken = memory.taken_by(at_once) if memory else None
    return Load(
        at_once=at_once,
        builds=builds,
        slowdown=ratio,
        throughput=at_once / ratio,
        memory_bytes=taken,
        fits=taken <= MEMORY_RATIO * memory.total if memory and taken is not None else None,
    )


def half_would_do(used: float | None, builds: int) -> bool:
    """Tell whether a high quantile of use (0-1) over enough builds leaves half to spare."""
    return used is not None and builds >= HALF_BUILDS and used < HALF_BELOW
