"""Where an alert may go from where it stands: nothing but a table."""

from enum import StrEnum


class State(StrEnum):
    """Where an alert stands."""

    PENDING = "pending"
    """Its condition holds, but not for as long as its rule wants."""
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


ALLOWED: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.FIRING, State.RESOLVED}),
    State.FIRING: frozenset({State.ACKNOWLEDGED, State.RESOLVED}),
    State.ACKNOWLEDGED: frozenset({State.RESOLVED}),
    State.RESOLVED: frozenset(),
}

OPEN = (State.PENDING, State.FIRING, State.ACKNOWLEDGED)
"""States of which there is one alert a rule and cause."""

TOLD = (State.FIRING, State.ACKNOWLEDGED)
"""Open ones that people know of."""


def sources_of(state: State) -> list[State]:
    """Return the states from which one may come to ``state``."""
    return [source for source in State if state in ALLOWED[source]]
