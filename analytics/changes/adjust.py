"""Covariates taken out of a whole series, however long: group medians against neighbours."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

NEIGHBOURS = 9
"""Builds of the main group around a build that it is held against: near, so that a change of
the mix is not taken for one of the level, and enough for a median."""

SHRINK = 4.0
"""Builds of a group that count half: the effect of few is not trusted."""


def adjusted(values: np.ndarray, covariates: Mapping[str, Sequence[object]]) -> np.ndarray:
    """Return ``values`` with each group moved onto the level of its covariate's main group."""
    for levels in covariates.values():
        codes = pd.factorize(np.array([str(level) for level in levels]))[0]
        values = values - _effects(values, codes)
    return values


def _effects(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    counts = np.bincount(codes)
    main = np.flatnonzero(codes == np.argmax(counts))
    around = pd.Series(values[main]).rolling(NEIGHBOURS, center=True, min_periods=1).median()
    distances = values - np.interp(np.arange(len(values)), main, around.to_numpy())
    medians = pd.Series(distances).groupby(codes).median().to_numpy()
    effects = medians * counts / (counts + SHRINK)
    effects[codes[main[0]]] = 0.0
    return np.asarray(effects[codes], float)
