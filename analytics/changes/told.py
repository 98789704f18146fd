"""Events made of what was found."""

from dataclasses import asdict
from math import erfc, sqrt

from analytics.changes.events import Event
from analytics.changes.find import Found
from analytics.changes.params import METHOD, Params
from analytics.changes.scales import Scale
from analytics.changes.state import State

NORMAL_95 = 1.959964


def level_event(
    state: State, scale: Scale, found: Found, params: Params, kind: str, status: str
) -> Event:
    """Return the event of a change of level, or of builds that lie far off."""
    level, width = scale.level(found.after), NORMAL_95 * found.error
    low, high = (scale.change(found.before, scale.value(level + side)) for side in (-width, width))
    change = scale.change(found.before, found.after)
    return _event(state, found, params, (kind, status, "level"), (change, low, high))


def share_event(state: State, found: Found, params: Params, of: str, status: str) -> Event:
    """Return the event of a change of a share."""
    width = NORMAL_95 * found.error
    change = (found.shift, found.shift - width, found.shift + width)
    return _event(state, found, params, ("step", status, of), change)


def _event(
    state: State,
    found: Found,
    params: Params,
    names: tuple[str, str, str],
    change: tuple[float, float, float],
) -> Event:
    kind, status, of = names
    index = state.begins + found.place
    return Event(
        kind=kind,
        status=status,
        of=of,
        index=index,
        seen_at=state.seen - 1,
        direction="up" if found.shift > 0 else "down",
        before=found.before,
        after=found.after,
        change=change[0],
        low=change[1],
        high=change[2],
        p=min(1.0, erfc(abs(found.z) / sqrt(2)) * found.splits),
        builds_after=state.seen - index,
        method=METHOD,
        parameters=asdict(params),
    )
