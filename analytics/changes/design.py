"""What explains the values of a window but for an unknown change: a linear model's columns."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from analytics.changes.hours import working_hours
from analytics.changes.mix import hidden_level
from analytics.changes.params import Params
from analytics.changes.state import State

PRIOR = {"cache_hit": 1.0}
"""Effects that are usual, as standard deviations on the log scale: a cold build takes a multiple;
runners and kinds of branches differ by some tens of percent, working hours by less."""

OTHER = 0.3
HIDDEN = 1.0
HOURS = 0.1

CREEP = 0.1
"""Growth of a size over a window that is no event: dependencies grow a little all the time."""

FREE = 100.0
"""No opinion: of the level itself and of changes that were confirmed."""

SOLVABLE = 1e-3
"""Builds of no effect that keep equations apart whose columns are alike."""

LEVELS = 12
"""Levels of a covariate that have an effect of their own; the rarer ones share one."""


@dataclass(frozen=True, slots=True)
class Design:
    """``columns`` (builds × columns) and the ``priors`` of their effects."""

    columns: np.ndarray
    priors: np.ndarray
    base: tuple[int, ...]
    """Columns that are the oldest level, and its creep if it may."""
    levels: int
    """Columns before this one are levels; the others explain."""
    hidden: np.ndarray | None
    """1 where a build is on a second level that no covariate explains."""


def design(state: State, values: np.ndarray, params: Params) -> Design:
    """Return the design of all builds remembered; ``values`` are theirs, on the series' scale."""
    size = len(values)
    places = np.arange(size)
    steps = [(places >= step - state.begins).astype(float) for step in state.steps]
    columns, priors = [np.ones(size), *steps], [FREE] * (1 + len(steps))
    base: tuple[int, ...] = (0,)
    if state.unit == "bytes":
        columns.append((places - size / 2) / params.window)
        priors.append(CREEP)
        base = (0, 1 + len(steps))
    for name, levels in state.covariates.items():
        groups = _groups(levels)
        columns += groups
        priors += [PRIOR.get(name, OTHER)] * len(groups)
    hours = working_hours(state.timestamps, params)
    if hours is not None:
        columns.append(hours)
        priors.append(HOURS)
    hidden = _hidden(state, values, np.column_stack(columns))
    if hidden is not None:
        columns.append(hidden)
        priors.append(HIDDEN)
    return Design(np.column_stack(columns), np.array(priors), base, 1 + len(steps), hidden)


def _hidden(state: State, values: np.ndarray, columns: np.ndarray) -> np.ndarray | None:
    """Return where a second level is: of times, and if all that is known leaves one."""
    if state.unit != "s" or "cache_hit" in state.covariates:
        return None
    normal = columns.T @ columns + SOLVABLE * np.eye(columns.shape[1])
    return hidden_level(values - columns @ np.linalg.solve(normal, columns.T @ values))


def _groups(levels: tuple[str, ...]) -> list[np.ndarray]:
    """Return a column for each level but the most frequent one."""
    frequent = [level for level, _ in Counter(levels).most_common(LEVELS + 1)]
    array = np.array(levels)
    columns = [(array == level).astype(float) for level in frequent]
    rest = 1.0 - np.sum(columns, axis=0)
    return [*columns[1:], rest] if rest.any() else columns[1:]
