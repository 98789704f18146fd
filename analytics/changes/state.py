"""What is remembered of a series between two builds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any, Self

from analytics.changes.events import Incident

UNKNOWN = ""
"""The level of a covariate that a build does not state."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One build: its value, when it began (seconds since 1970) and what may explain the value."""

    value: float
    timestamp: float | None = None
    covariates: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isfinite(self.value):
            raise ValueError(f"a build's value is a finite number, not {self.value}")


@dataclass(frozen=True, slots=True)
class State:
    """The last builds of a series and what was told of it."""

    unit: str
    seen: int = 0
    """Builds that were ever added."""
    values: tuple[float, ...] = ()
    timestamps: tuple[float | None, ...] = ()
    covariates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The level of each remembered build, by covariate."""
    steps: tuple[int, ...] = ()
    """Builds at which the level changed, as far as remembered."""
    mixes: tuple[int, ...] = ()
    """Builds at which the share of cache hits, or of a hidden level, changed."""
    incident: Incident | None = None
    burst: int = 0
    """Builds in a row, up to the newest, that are off the level."""

    @property
    def begins(self) -> int:
        """The index of the first build remembered."""
        return self.seen - len(self.values)

    def dump(self) -> dict[str, Any]:
        """Return the state as what JSON can hold."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Self:
        """Return the state that ``dump`` made, also when it went through JSON."""
        incident = data["incident"]
        return cls(
            unit=data["unit"],
            seen=data["seen"],
            values=tuple(data["values"]),
            timestamps=tuple(data["timestamps"]),
            covariates={name: tuple(levels) for name, levels in data["covariates"].items()},
            steps=tuple(data["steps"]),
            mixes=tuple(data["mixes"]),
            incident=None if incident is None else Incident(**incident),
            burst=data["burst"],
        )


def with_build(state: State, build: Observation, window: int) -> State:
    """Return the state with one more build, without those that the window holds no more."""
    size = min(len(state.values) + 1, window)
    begins = state.seen + 1 - size
    return replace(
        state,
        seen=state.seen + 1,
        values=(*state.values, float(build.value))[-size:],
        timestamps=(*state.timestamps, build.timestamp)[-size:],
        covariates=_covariates(state, build, size),
        steps=tuple(step for step in state.steps if step > begins),
        mixes=tuple(mix for mix in state.mixes if mix > begins),
    )


def _covariates(state: State, build: Observation, size: int) -> dict[str, tuple[str, ...]]:
    """Return the levels of all covariates that any build of the window states."""
    unknown = (UNKNOWN,) * len(state.values)
    added = {
        name: (*state.covariates.get(name, unknown), _text(build.covariates.get(name)))[-size:]
        for name in {**state.covariates, **build.covariates}
    }
    return {name: levels for name, levels in added.items() if any(levels)}


def _text(level: object) -> str:
    """Return a level as text: true and 1, 1.0 and 1 are the same."""
    if level is None:
        return UNKNOWN
    if isinstance(level, bool) or (isinstance(level, float) and level.is_integer()):
        level = int(level)
    return str(level)
