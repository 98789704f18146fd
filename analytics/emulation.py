"""What emulation costs: steps that ran on the builder's own platform and on foreign ones.

A pair is one step of one build: its seconds on the builder's platform, and its seconds on a
platform whose code that builder can run by emulation only. Where the native step came from the
cache, its usual seconds stand for it; such pairs are told apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

RESAMPLES = 1000
AT_ONCE = 50
"""Resamples whose weights are in memory together."""

SEED = 1
ENOUGH_BUILDS = 5
"""Builds from which on an interval is told: steps of one build are not independent."""

ARM = frozenset({"arm", "arm64"})
COLUMNS = ("build", "step", "platform", "runs_on", "builder", "seconds", "is_usual")
PAIR = ("build", "step", "platform", "builder", "native", "emulated", "ratio", "is_usual")


@dataclass(frozen=True, slots=True)
class Run:
    """A step that ran: ``step`` names it on every platform of its builds.

    It is built for ``platform`` and runs code of ``runs_on``: another when it is cross-compiling.
    ``is_usual``: it came from the cache, and ``seconds`` are what it usually takes.
    """

    build: int
    step: str
    platform: str
    runs_on: str
    builder: str
    seconds: float
    is_usual: bool = False


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Pairs of one foreign platform and one platform of builders, run in the same builds.

    Of ``is_usual`` ones the native step was cached: its usual seconds stand for it.

    ``ratio`` is the median of emulated ÷ native, with its 95 % interval, ``None`` of too few
    builds. Seconds are sums over all pairs.
    """

    platform: str
    builder: str
    is_usual: bool
    builds: int
    pairs: int
    ratio: float
    low: float | None
    high: float | None
    native_seconds: float
    emulated_seconds: float

    @property
    def cost_seconds(self) -> float:
        """Seconds more than natively."""
        return self.emulated_seconds - self.native_seconds


@dataclass(frozen=True, slots=True)
class Costly:
    """One step on one foreign platform; ``build`` is the newest of ``pairs`` builds.

    ``ratio`` is the median of its pairs; seconds are sums over them.
    """

    step: str
    platform: str
    build: int
    pairs: int
    ratio: float
    native_seconds: float
    emulated_seconds: float

    @property
    def cost_seconds(self) -> float:
        """Seconds more than natively."""
        return self.emulated_seconds - self.native_seconds


def is_emulated(runs_on: str, builder: str) -> bool | None:
    """Tell whether a builder has to emulate a platform; ``None`` if that cannot be told.

    Processors of amd64 run 386 themselves. Some of arm64 run 32-bit arm, and some do not.
    """
    code, own = _architecture(runs_on), _architecture(builder)
    if "" in (code, own):
        return None
    if code == own or (code, own) == ("386", "amd64"):
        return False
    return None if {code, own} <= ARM else True


def _architecture(platform: str) -> str:
    parts = platform.split("/")
    return parts[1] if len(parts) > 1 else ""


def pairs_of(runs: Iterable[Run]) -> pd.DataFrame:
    """Return a row for each pair, with the columns of ``PAIR``.

    What a foreign stage cross-compiles on the builder's platform is native, and makes no pair.
    """
    frame = pd.DataFrame([astuple(run) for run in runs], columns=list(COLUMNS))
    frame = frame.astype({"seconds": float, "is_usual": bool})
    foreign = [
        is_emulated(on, own) is True
        for on, own in zip(frame["runs_on"], frame["builder"], strict=True)
    ]
    emulated = frame[np.array(foreign, bool) & ~frame["is_usual"]].drop(columns="is_usual")
    native = frame[(frame["platform"] == frame["builder"]) & (frame["seconds"] > 0)]
    both = emulated.rename(columns={"seconds": "emulated"}).merge(
        native[["build", "step", "seconds", "is_usual"]].rename(columns={"seconds": "native"}),
        on=["build", "step"],
    )
    both["ratio"] = both["emulated"] / both["native"]
    return both[list(PAIR)]


def slowdowns(pairs: pd.DataFrame) -> list[Slowdown]:
    """Return the pairs of each foreign platform together: measured first, then the costliest."""
    found = [
        _slowdown(str(platform), str(builder), bool(is_usual), group)
        for (platform, builder, is_usual), group in pairs.groupby(
            ["platform", "builder", "is_usual"], sort=True
        )
    ]
    return sorted(found, key=lambda item: (item.is_usual, -item.cost_seconds))


def _slowdown(platform: str, builder: str, is_usual: bool, group: pd.DataFrame) -> Slowdown:
    interval = bootstrap_median(group["ratio"].to_numpy(float), group["build"].to_numpy())
    return Slowdown(
        platform=platform,
        builder=builder,
        is_usual=is_usual,
        builds=int(group["build"].nunique()),
        pairs=len(group),
        ratio=float(group["ratio"].median()),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        native_seconds=float(group["native"].sum()),
        emulated_seconds=float(group["emulated"].sum()),
    )


def bootstrap_median(
    values: npt.NDArray[np.float64], builds: npt.NDArray[np.int64]
) -> tuple[float, float] | None:
    """Return the 95 % interval of the median, or ``None`` of fewer than ``ENOUGH_BUILDS``.

    Whole builds are drawn (the cluster bootstrap: Davison and Hinkley 1997, 3.8), as steps of one
    build slow each other down. The same values give the same interval.
    """
    names, cluster = np.unique(builds, return_inverse=True)
    if len(names) < ENOUGH_BUILDS:
        return None
    order = np.argsort(values, kind="stable")
    ordered, owner = values[order], cluster[order]
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)
    chunks = np.array_split(drawn, RESAMPLES // AT_ONCE)
    medians = np.concatenate([_weighted_medians(ordered, chunk[:, owner]) for chunk in chunks])
    low, high = np.quantile(medians, (0.025, 0.975))
    return float(low), float(high)


def _weighted_medians(
    ordered: npt.NDArray[np.float64], weights: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the medians of ascending values that stand there as often as each row says."""
    upto = np.cumsum(weights, axis=1)
    total = upto[:, -1:]
    low = (upto <= (total - 1) // 2).sum(axis=1)
    high = (upto <= total // 2).sum(axis=1)
    return (ordered[low] + ordered[high]) / 2


def costliest(pairs: pd.DataFrame, most: int) -> Sequence[Costly]:
    """Return the steps with the most seconds above their native ones."""
    groups = pairs.groupby(["step", "platform"], sort=True)
    found = [
        Costly(
            step=str(step),
            platform=str(platform),
            build=int(group["build"].max()),
            pairs=len(group),
            ratio=float(group["ratio"].median()),
            native_seconds=float(group["native"].sum()),
            emulated_seconds=float(group["emulated"].sum()),
        )
        for (step, platform), group in groups
    ]
    return sorted(found, key=lambda item: -item.cost_seconds)[:most]
