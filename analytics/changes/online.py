"""The online detector: one more build, and what it tells."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from analytics.changes.events import Event, Incident
from analytics.changes.find import Found, Window, find, is_slope, student, usual_at, window
from analytics.changes.params import Params
from analytics.changes.shares import find_share, states_of
from analytics.changes.state import Observation, State, with_build
from analytics.changes.told import level_event, share_event

DEFAULT = Params()

BACK = 0.5
"""What may be left of an incident, of its size, when it is said to have gone back."""

type Told = tuple[State, tuple[Event, ...]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The incident that a change leaves open, and how it is told: not at all without a status."""

    incident: Incident | None
    kind: str
    status: str


def update(state: State, build: Observation, params: Params = DEFAULT) -> Told:
    """Return the state with one more build, and what this build tells."""
    state = with_build(state, build, params.window)
    if len(state.values) < params.before + params.after:
        return state, ()
    view = window(state, params)
    state, single = _outlier(state, view, params)
    state, level = _level(state, view, params)
    state, share = _share(state, view, params)
    return state, single + level + share


def follow(builds: Iterable[Observation], unit: str, params: Params = DEFAULT) -> list[Event]:
    """Return what all builds tell, one after the other."""
    state, told = State(unit), list[Event]()
    for build in builds:
        state, events = update(state, build, params)
        told.extend(events)
    return told


def alerts(events: Iterable[Event]) -> list[tuple[int, int]]:
    """Return when and of which build somebody is to be told: ``(seen_at, index)``."""
    return [
        (event.seen_at, event.index) for event in events if event.status in ("opened", "resolved")
    ]


def _level(state: State, view: Window, params: Params) -> Told:
    found = find(view, params)
    if found is None:
        return state, ()
    index = state.begins + found.place
    verdict = _judged(state, view, found, params)
    steps = (*state.steps, index)
    after = replace(state, steps=steps, incident=verdict.incident, burst=0)
    if not verdict.status:
        return after, ()
    event = level_event(state, view.scale, found, params, verdict.kind, verdict.status)
    event = _dated(event, params)
    if event.status == "late":
        after = replace(after, incident=None)
    return after, (event,)


def _judged(state: State, view: Window, found: Found, params: Params) -> Verdict:
    """Return what a change means to the open incident."""
    now, index, seen = state.incident, state.begins + found.place, state.seen - 1
    size = found.shift if now is None else now.size + found.shift
    if now is not None and now.size * found.shift < 0 and abs(size) <= BACK * abs(now.size):
        return Verdict(None, "step", "resolved")
    if now is not None and now.size * found.shift > 0 and index - now.last <= params.same:
        grown = replace(now, last=seen, size=size)
        if abs(size) < params.reopened * abs(now.told):
            return Verdict(grown, "", "")
        return Verdict(replace(grown, told=size), "drift", "reopened")
    kind = "drift" if is_slope(view, found) else "step"
    return Verdict(Incident(index, seen, found.shift, found.shift), kind, "opened")


def _dated(event: Event, params: Params) -> Event:
    """Return an event as late if what it tells began too long ago."""
    return replace(event, status="late") if event.builds_after > params.news + 1 else event


def _far(view: Window, params: Params) -> float:
    return params.outlier * (1 + student(params.outlier, view.freedom)) * view.fitted.spread


def _outlier(state: State, view: Window, params: Params) -> Told:
    """Tell of builds that lay far off once a build is back: a step would stay."""
    flat, far = view.fitted.residuals, _far(view, params)
    if abs(flat[-1]) > far / 2:
        return replace(state, burst=state.burst + 1), ()
    burst, state = state.burst, replace(state, burst=0)
    if not 0 < burst < params.after:
        return state, ()
    place = view.size - 1 - burst
    shift, level = float(np.median(flat[place:-1])), usual_at(view, place)
    before, after = view.scale.value(level), view.scale.value(level + shift)
    if abs(shift) <= far or abs(view.scale.change(before, after)) < view.least:
        return state, ()
    error = view.fitted.spread / sqrt(burst)
    found = Found(place, shift, error, shift / error, view.size, before, after)
    return state, (level_event(state, view.scale, found, params, "outlier", "seen"),)


def _share(state: State, view: Window, params: Params) -> Told:
    watched = states_of(state, view.design)
    if watched is None:
        return state, ()
    of, states = watched
    begins = state.mixes[-1] - state.begins if state.mixes else 0
    found = find_share(states, begins, params)
    if found is None:
        return state, ()
    event = _dated(share_event(state, found, params, of, "opened"), params)
    return replace(state, mixes=(*state.mixes, event.index)), (event,)
