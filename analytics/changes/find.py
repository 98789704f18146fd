"""Finding a change of level in the builds remembered."""

from dataclasses import dataclass

import numpy as np

from analytics.changes.design import Design, design
from analytics.changes.params import Params
from analytics.changes.scales import SCALES, Scale, plain
from analytics.changes.scan import Fit, Places, Splits, fit, places, splits
from analytics.changes.state import State

LATE = 2.0
"""How much less z² may be at the place that is told than at the best one: of the places that fit
about as well the last is told, from which on the new level is certain."""

SIDE = 40
"""Builds on either side of a split whose medians are told: near, so that creep is no step."""

FLOOR = 0.1
"""Spread that is believed at least, of the least change: equal values have some noise, too."""

STANDS_OUT = 3.0
"""Spreads from which on builds of the old level among those of the new one are no chance."""

STRAYS = 8
"""Builds of the new level to each that may fall back to the old one, if it stands out."""

WORTH = 0.7
"""Builds of known noise that one is worth here, where its median and correlation are estimated."""

MEDIAN = 1.2533
"""Standard error of a median ÷ that of a mean, of normal noise."""

RAMPS = 4
"""Builds between the places where a slow rise is tried to begin."""


@dataclass(frozen=True, slots=True)
class Window:
    """The builds remembered, fitted; ``begins`` is the place where the newest level began."""

    scale: Scale
    least: float
    """The least change that counts, in the unit of ``Scale.change``."""
    design: Design
    fitted: Fit
    begins: int
    needed: int
    """Builds that the newest level must have before it can have changed."""

    @property
    def size(self) -> int:
        """How many builds are remembered."""
        return len(self.fitted.residuals)

    @property
    def freedom(self) -> int:
        """How many more builds there are than columns."""
        return self.size - len(self.design.priors)


@dataclass(frozen=True, slots=True)
class Found:
    """A change at ``place`` of the window; ``shift`` on the series' scale, medians in its unit."""

    place: int
    shift: float
    error: float
    z: float
    splits: int
    before: float
    after: float


def window(state: State, params: Params) -> Window:
    """Return the builds of a state, fitted by all that is known to explain them."""
    values, least, usual_size = np.array(state.values), params.least_of(state.unit), 1.0
    if not state.unit:
        usual_size = float(np.median(np.abs(values))) or 1.0
    scale = SCALES[state.unit] if state.unit else plain(usual_size)
    levels = scale.to(values)
    made = design(state, levels, params)
    fitted = fit(levels, made, params.wide, FLOOR * least)
    begins = state.steps[-1] - state.begins if state.steps else 0
    # That an open incident's level is one was sure when it was told: it may go back soon.
    needed = params.after if state.incident else params.before
    return Window(scale, least * usual_size, made, fitted, begins, needed)


def find(view: Window, params: Params) -> Found | None:
    """Return the change of level since the last one, if there is one for sure."""
    low = view.begins + view.needed
    if low > view.size - params.after:
        return None
    where = places(view.fitted, view.begins, low)
    wide, narrow = (
        splits(view.fitted, where, params.after, clip) for clip in (params.wide, params.narrow)
    )
    best = wide if wide.best >= narrow.best else narrow
    needed = params.z * (1 + student(params.z, view.freedom))
    if best.best < needed or _is_newer(view, where, params):
        return None
    found = _at(view, best, wide.errors)
    return found if _holds(view, found) else None


def _is_newer(view: Window, where: Places, params: Params) -> bool:
    """Return whether the change seems to be so new that it had better be waited for."""
    far = splits(view.fitted, where, 2, params.outlier)
    return where.low + int(np.argmax(np.abs(far.z))) > view.size - params.after


def student(z: float, freedom: int) -> float:
    """Return how much farther out, relatively, Student's t is than the normal's ``z``."""
    return (z * z + 1) / (4 * WORTH * max(freedom, 1))


def _at(view: Window, scan: Splits, errors: np.ndarray) -> Found:
    place = last_of(scan.z)
    z, error = float(scan.z[place]), MEDIAN * float(errors[place]) * view.fitted.spread
    place += scan.low
    old, new = sides(view, place)
    near = _near(view, place)
    before = view.scale.value(usual(view, near, slice(near.start, place)) + old)
    after = view.scale.value(usual(view, near, slice(place, near.stop)) + new)
    return Found(place, new - old, error, z, len(scan.z), before, after)


def last_of(z: np.ndarray) -> int:
    """Return the last place that fits about as well as the best one."""
    squares = z**2
    return int(np.flatnonzero(squares >= squares.max() - LATE)[-1])


def sides(view: Window, place: int) -> tuple[float, float]:
    """Return the medians of residuals before and from ``place`` on."""
    flat, near = view.fitted.residuals, _near(view, place)
    return (
        float(np.median(flat[near.start : place])),
        float(np.median(flat[place : near.stop])),
    )


def _near(view: Window, place: int) -> slice:
    return slice(max(view.begins, place - SIDE), place + SIDE)


def usual(view: Window, near: slice, side: slice) -> float:
    """Return the newest level at the mix of covariates of ``near``, as far as it crept by ``side``.

    Creep is that of the builds it is told of: it takes a part of a step that is large.
    """
    levels, effects = view.design.levels, view.fitted.effects
    mix = view.fitted.columns[near].mean(axis=0)
    creep = list(view.design.base[1:])
    mix[creep] = view.fitted.columns[side][:, creep].mean(axis=0)
    return float(effects[:levels].sum() + mix[levels:] @ effects[levels:])


def usual_at(view: Window, place: int) -> float:
    """Return the newest level at the mix of covariates around a place."""
    near = _near(view, place)
    return usual(view, near, near)


def _holds(view: Window, found: Found) -> bool:
    """Return whether a change is large enough, one way, and no burst."""
    if abs(view.scale.change(found.before, found.after)) < view.least or found.shift * found.z < 0:
        return False
    if abs(found.shift) < STANDS_OUT * view.fitted.spread:
        return True
    old, new = sides(view, found.place)
    back = (view.fitted.residuals[found.place :] - (old + new) / 2) * found.shift < 0
    return int(back.sum()) <= len(back) // STRAYS


def is_slope(view: Window, found: Found) -> bool:
    """Return whether a straight rise up to now fits a change better than a step."""
    begin = max(view.begins, found.place - SIDE)
    old, new = sides(view, found.place)
    noise = STANDS_OUT * view.fitted.spread
    flat = np.clip(view.fitted.residuals[begin:], min(old, new) - noise, max(old, new) + noise)
    order = np.arange(len(flat), dtype=float)
    ramps = np.maximum(order - np.arange(0.0, len(flat) - RAMPS, RAMPS)[:, None], 0.0)
    step = (order >= found.place - begin).astype(float)[None, :]
    return _gain(flat, ramps) > _gain(flat, step)


def _gain(flat: np.ndarray, shapes: np.ndarray) -> float:
    """Return the squares that the best of the ``shapes`` (shapes × builds) explains."""
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    return float(np.max((shapes @ flat) ** 2 / np.sum(shapes**2, axis=1)))
