"""Builds that are alike, laid out to be held against each other: alone and beside others."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ALONE = 0.05
"""Others, as a mean by time, up to which a build was alone."""

BESIDE = 0.5
"""Others from which on it counts as one beside others."""

ENOUGH = 8
"""Builds alone, and builds beside others, that a group has to have."""

ENOUGH_RUNS = 3
"""Builds alone in which a step has to have run: others have no usual time."""

MOST_BUILDS, MOST_STEPS = 150, 12
"""Of a group, the newest of a side, and the steps with most time: what a resample costs."""

type Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """One executed step of a build: its busy seconds, and the builds beside it, by time."""

    group: str
    build: int
    step: str
    seconds: float
    others: float


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Builds by their keys, ascending, with the builds beside each, as a mean by time.

    ``seconds`` has a row for each and a column for each step; NaN where it did not run.
    """

    name: str
    builds: Array
    seconds: Array
    others: Array

    @property
    def is_alone(self) -> Array:
        """Of each build, whether it had none beside it."""
        return self.others <= ALONE

    @property
    def counts(self) -> tuple[int, int]:
        """Builds alone, and builds beside others."""
        return int(self.is_alone.sum()), int((self.others >= BESIDE).sum())

    @property
    def has_enough(self) -> bool:
        """Whether both sides have what a comparison takes."""
        return min(self.counts) >= ENOUGH


def groups_of(runs: Iterable[Run]) -> dict[str, Group]:
    """Return the groups that have builds with usual times, by name."""
    by_group: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_group[run.group].append(run)
    groups = (_group(name, by_group[name]) for name in sorted(by_group))
    return {group.name: group for group in groups if len(group.builds)}


def _group(name: str, runs: Sequence[Run]) -> Group:
    """Lay runs out by build and step; a build's others are weighted by its steps' seconds."""
    total: defaultdict[str, float] = defaultdict(float)
    for run in runs:
        total[run.step] += run.seconds
    steps = sorted(total, key=lambda step: (-total[step], step))[:MOST_STEPS]
    column = {step: n for n, step in enumerate(steps)}
    used = [run for run in runs if run.step in column and run.seconds > 0]
    builds = sorted({run.build for run in used})
    row = {build: n for n, build in enumerate(builds)}
    seconds, weighted = np.zeros((len(builds), len(steps))), np.zeros(len(builds))
    for run in sorted(used, key=lambda run: (run.build, run.step, run.seconds, run.others)):
        seconds[row[run.build], column[run.step]] += run.seconds
        weighted[row[run.build]] += run.seconds * run.others
    others = weighted / seconds.sum(axis=1) if len(builds) else weighted
    return _newest(name, np.array(builds), np.where(seconds > 0, seconds, np.nan), others)


def _newest(name: str, builds: Array, seconds: Array, others: Array) -> Group:
    """Keep the newest builds of each side, and the steps that have a usual time alone."""
    alone = others <= ALONE
    kept = np.sort(
        np.concatenate([np.flatnonzero(side)[-MOST_BUILDS:] for side in (alone, ~alone)])
    )
    builds, seconds, others = builds[kept], seconds[kept], others[kept]
    usual = (~np.isnan(seconds[others <= ALONE])).sum(axis=0) >= ENOUGH_RUNS
    seconds = seconds[:, usual]
    has_any = (~np.isnan(seconds)).any(axis=1)
    return Group(name, builds[has_any], seconds[has_any], others[has_any])
