"""Hand-made series."""

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.changes import Event, Observation, follow

SPREAD = 0.05


def noise(count: int, seed: int, spread: float = SPREAD) -> np.ndarray:
    """Return normal noise on the log scale."""
    return np.random.default_rng(seed).normal(0, spread, count)


def times(*levels: tuple[int, float], seed: int = 1, spread: float = SPREAD) -> np.ndarray:
    """Return seconds that stay at each ``(builds, level)``, one after the other."""
    level = np.concatenate([np.full(count, float(level)) for count, level in levels])
    return level * np.exp(noise(len(level), seed, spread))


def builds(
    values: Sequence[float] | np.ndarray,
    covariates: Mapping[str, Sequence[object]] | None = None,
    timestamps: Sequence[float] | None = None,
) -> list[Observation]:
    columns = dict(covariates or {})
    return [
        Observation(
            float(value),
            None if timestamps is None else timestamps[place],
            {name: column[place] for name, column in columns.items()},
        )
        for place, value in enumerate(values)
    ]


def told(values: Sequence[float] | np.ndarray, unit: str = "s", **more: object) -> list[Event]:
    return follow(builds(values, **more), unit)


def statuses(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.kind, event.status, event.direction) for event in events]
