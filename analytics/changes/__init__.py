"""Change points in noisy series of builds: online, build by build, and over a whole history."""

from analytics.changes.events import Event, Incident
from analytics.changes.history import history
from analytics.changes.online import alerts, follow, update
from analytics.changes.params import Params
from analytics.changes.state import Observation, State

__all__ = [
    "Event",
    "Incident",
    "Observation",
    "Params",
    "State",
    "alerts",
    "follow",
    "history",
    "update",
]
