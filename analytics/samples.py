"""Samples of a machine as stretches of time, so that builds beside each other count them once.

Times are seconds on whatever clock the caller has; what was not measured has no stretch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

type Numbers = np.ndarray[Any, np.dtype[np.float64]]

COLUMNS = (
    "offsets_seconds",
    "cpu_ratio",
    "memory_used_bytes",
    "disk_read_bytes",
    "disk_write_bytes",
    "network_rx_bytes",
    "network_tx_bytes",
)
"""What ``Machine`` reads: lists as long as each other; ``None`` is not measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """A value from ``begin`` to ``end`` of each stretch, in order of time."""

    begin: Numbers
    end: Numbers
    value: Numbers

    @property
    def lengths(self) -> Numbers:
        """Seconds of each."""
        return self.end - self.begin

    @property
    def seconds(self) -> float:
        """Σ of the lengths."""
        return float(self.lengths.sum())

    @property
    def total(self) -> float | None:
        """Σ value × length: of rates a second what they add up to; ``None`` of nothing."""
        return float((self.value * self.lengths).sum()) if len(self.value) else None

    @property
    def mean(self) -> float | None:
        """The mean, weighted by time; ``None`` of nothing."""
        return None if self.total is None else self.total / self.seconds

    @property
    def lowest(self) -> float | None:
        """The least value; ``None`` of nothing."""
        return float(self.value.min()) if len(self.value) else None

    @property
    def highest(self) -> float | None:
        """The greatest value; ``None`` of nothing."""
        return float(self.value.max()) if len(self.value) else None

    def seconds_from(self, least: float) -> float:
        """Return how long the value was ``least`` or more."""
        return float(self.lengths[self.value >= least].sum())

    def shifted(self, seconds: float) -> Self:
        """Return the same so many seconds later."""
        return type(self)(self.begin + seconds, self.end + seconds, self.value)

    def between(self, begin: float, end: float) -> Self:
        """Return what lies in that time."""
        return self._kept(np.maximum(self.begin, begin), np.minimum(self.end, end), self.value)

    @classmethod
    def united(cls, several: Sequence[Self]) -> Self:
        """Return one series of what several say of one machine: each moment by the first alone."""
        if not several:
            return cls(*(np.empty(0) for _ in range(3)))
        begin, end, value = (
            np.concatenate([getattr(item, name) for item in several])
            for name in ("begin", "end", "value")
        )
        order = np.lexsort((end, begin))
        begin, end, value = begin[order], end[order], value[order]
        told = np.concatenate([[-np.inf], np.maximum.accumulate(end)[:-1]]) if len(end) else end
        return cls._kept(np.maximum(begin, told), end, value)

    @classmethod
    def _kept(cls, begin: Numbers, end: Numbers, value: Numbers) -> Self:
        has_length = end > begin
        return cls(begin[has_length], end[has_length], value[has_length])


@dataclass(frozen=True, slots=True)
class Machine:
    """What the samples under one build say of its builder, in seconds after the build's start.

    ``cpu`` is the busy share, ``memory`` bytes in use, ``disk`` and ``network`` bytes a second.
    """

    cpu: Stretches
    memory: Stretches
    disk: Stretches
    network: Stretches

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return that of ``COLUMNS``; counters of disk and network are cumulative bytes."""
        at, *columns = (np.asarray(row[name], dtype=float) for name in COLUMNS)
        cpu, memory, read, written, received, sent = columns
        return cls(
            _levels(at, cpu),
            _levels(at, memory),
            _rates(at, read + written),
            _rates(at, received + sent),
        )

    def during(self, seconds: float) -> "Machine":
        """Return what lies between the build's start and its end: a sampler may run longer."""
        parts = (self.cpu, self.memory, self.disk, self.network)
        return Machine(*(part.between(0.0, seconds) for part in parts))

    def shifted(self, seconds: float) -> "Machine":
        """Return the same so many seconds later."""
        parts = (self.cpu, self.memory, self.disk, self.network)
        return Machine(*(part.shifted(seconds) for part in parts))


def _levels(at: Numbers, values: Numbers) -> Stretches:
    """Return a stretch from each sample to the next one, which tells of the time between.

    The first one tells of the time since the start of the build.
    """
    begin = np.concatenate([[min(0.0, at[0])], at[:-1]]) if len(at) else at
    known = ~np.isnan(values) & (at > begin)
    return Stretches(begin[known], at[known], values[known])


def _rates(at: Numbers, counter: Numbers) -> Stretches:
    """Return growth a second; a counter that went back was reset, and counts from zero."""
    known = ~np.isnan(counter)
    at, counter = at[known], counter[known]
    apart = np.diff(at)
    grown = np.where(np.diff(counter) >= 0, np.diff(counter), counter[1:])
    has_length = apart > 0
    return Stretches(
        at[:-1][has_length], at[1:][has_length], (grown[has_length] / apart[has_length])
    )
