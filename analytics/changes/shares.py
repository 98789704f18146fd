"""Finding a change of the share of cache hits, or of builds on a hidden level."""

from math import sqrt

import numpy as np

from analytics.changes.design import Design
from analytics.changes.find import Found, last_of
from analytics.changes.mix import share_scores
from analytics.changes.params import Params
from analytics.changes.state import State

HITS = ("1", "true", "hit", "warm")
"""Levels of the covariate ``cache_hit`` that are hits."""


def states_of(state: State, made: Design) -> tuple[str, np.ndarray] | None:
    """Return what is told of, and 1 for each build that has it; ``None`` if there is nothing."""
    if "cache_hit" in state.covariates:
        levels = state.covariates["cache_hit"]
        hits = {level: float(level.lower() in HITS) for level in set(levels)}
        return "cache_hit", np.array([hits[level] for level in levels])
    return None if made.hidden is None else ("hidden_level", made.hidden)


def find_share(states: np.ndarray, begins: int, params: Params) -> Found | None:
    """Return the change of a share since ``begins``, if there is one for sure."""
    states = states[begins:]
    low, high = params.before, len(states) - params.after
    if low > high:
        return None
    scores = share_scores(states, low, high)
    best = last_of(scores)
    place, z = low + best, float(scores[best])
    old, new = float(states[:place].mean()), float(states[place:].mean())
    if abs(z) < params.z or abs(new - old) < params.share:
        return None
    error = sqrt(old * (1 - old) / place + new * (1 - new) / (len(states) - place))
    return Found(begins + place, new - old, error, z, len(scores), old, new)
