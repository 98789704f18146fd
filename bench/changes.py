"""Change points: what one more build costs, a long history, and the measure where it is at hand."""

import importlib.util
from collections.abc import Mapping
from itertools import islice, repeat
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from analytics.changes import Observation, State, alerts, follow, history, update
from bench.report import report, seconds

MEASURE = Path(__file__).resolve().parents[2] / "shared/tools/regression_eval.py"
"""The measure with its generator of series; its figures are left out where it is not there."""

SEED, REPEATS = 904, 4
BUILDS = 300
LONG = 100_000
TARGET_BUILD_SECONDS, TARGET_HISTORY_SECONDS = 0.001, 1.0

PEER_BUILD_SECONDS = 0.014
"""Perfherder's t-test of 1 000 points, which it does again after each build."""

PEER_HISTORY_SECONDS = 0.87
"""asv's step detection of 10 000 points; of 100 000 none of the peers is done within 20 s."""

PEER_F1, TARGET_F1 = 0.67, 0.90
"""PELT with a kernel, the best of nine peers at the measure."""

TARGET_FALSE = 0.5
"""False alarms in 1 000 builds without change."""

PEER_FALSE = 2.2
"""Of PELT; fewer have only peers that find less than half (Perfherder's t-test, 0.07 at 0.43)."""


def run() -> None:
    """Print ``changes_build``, ``changes_history``, ``changes_f1`` and ``changes_false_alarms``."""
    _one_more_build()
    _long_history()
    if MEASURE.exists():
        _measured()


def _one_more_build() -> None:
    """Time builds that meet a full window, three covariates and times."""
    rng = np.random.default_rng(1)
    state, spent = State("s"), list[float]()
    for place in range(BUILDS + 250):
        covariates = {
            "cache_hit": bool(rng.random() < 0.7),
            "runner": f"cpu{rng.integers(4)}",
            "branch": f"class{rng.integers(3)}",
        }
        build = Observation(300 * float(np.exp(rng.normal(0, 0.08))), 3600.0 * place, covariates)
        spent.append(seconds(lambda state=state, build=build: update(state, build)))  # type: ignore[misc]
        state, _ = update(state, build)
    value = median(spent[250:])
    report(
        "changes_build",
        value=value,
        floor=PEER_BUILD_SECONDS,
        unit="s",
        target=f"<= {TARGET_BUILD_SECONDS} s",
        ok=value <= TARGET_BUILD_SECONDS,
        floor_is="Perfherder's t-test of a series of 1000",
    )


def _long_history() -> None:
    rng = np.random.default_rng(1)
    levels = np.repeat([1, 1.2, 1.0, 1.3, 1.1], LONG // 5)
    values = (300 * levels * np.exp(rng.normal(0, 0.08, LONG))).tolist()
    value = median(seconds(lambda: history(values, unit="s")) for _ in range(5))
    report(
        "changes_history",
        value=value,
        floor=PEER_HISTORY_SECONDS,
        unit="s",
        target=f"<= {TARGET_HISTORY_SECONDS} s",
        ok=value <= TARGET_HISTORY_SECONDS,
        points=LONG,
        changes=len(history(values, unit="s")),
        floor_is="asv's step detection of a tenth of the points",
    )


def _measured() -> None:
    measure = _module()
    rows = []
    for series in measure.synthetic(SEED, REPEATS):
        found = measure.first_sightings(_alerts(series))
        rows.append(measure.score_online(found, series["truth"], len(series["values"])))
    every = measure.pooled(rows)
    quiet = measure.pooled([row for row in rows if row["tp"] + row["fn"] == 0])
    report(
        "changes_f1",
        value=every["f1"],
        floor=PEER_F1,
        unit="F1",
        target=f">= {TARGET_F1}",
        ok=every["f1"] >= TARGET_F1,
        precision=round(every["precision"], 3),
        recall=round(every["recall"], 3),
        delay_median=every["delay_median"],
        seed=SEED,
        series=len(rows),
        floor_is="PELT-rbf, the best of nine peers",
    )
    report(
        "changes_false_alarms",
        value=quiet["fp_per_1000"],
        floor=PEER_FALSE,
        unit="per 1000 builds without change",
        target=f"<= {TARGET_FALSE}",
        ok=quiet["fp_per_1000"] <= TARGET_FALSE,
        floor_is="PELT-rbf",
    )


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("regression_eval", MEASURE)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {MEASURE}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _alerts(series: Mapping[str, Any]) -> list[tuple[int, int]]:
    names = list(series["covariates"])
    columns = zip(*series["covariates"].values(), strict=True) if names else repeat(())
    builds = (
        Observation(value, moment, dict(zip(names, levels, strict=True)))
        for value, moment, levels in zip(
            series["values"],
            series["timestamps"],
            islice(columns, len(series["values"])),
            strict=True,
        )
    )
    return alerts(follow(builds, series["unit"]))
