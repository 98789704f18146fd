"""Which steps a change of builds comes from, told from the builds on both sides of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

COLUMNS = ("build", "is_after", "identity", "platform", "amount", "ran")
"""A row for each step of a build: its busy seconds, zero if it came from the cache, or the bytes of
its layers.
"""

STRAY = 3.0
"""Medians beyond which the rest of a run is not counted."""

LEAST_SHARE = 0.05
"""Of a change; steps with less are not told of."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step's part of a change; seconds or bytes a build, over all builds of a side.

    ``share`` is of all that changed the same way. ``ran_*`` are shares of builds in which it ran,
    and ``median_*`` the medians of its runs, ``None`` without any.
    """

    identity: str
    platform: str
    before: float
    after: float
    share: float
    ran_before: float
    ran_after: float
    median_before: float | None
    median_after: float | None

    @property
    def delta(self) -> float:
        """What a build takes after, less what it took before."""
        return self.after - self.before

    @property
    def runs_more(self) -> bool:
        """Whether it changed by running in more, or fewer, builds rather than by its own time.

        The change is split at the means (Oaxaca and Blinder): how often it runs, times how long
        a run takes.
        """
        if self.median_before is None or self.median_after is None:
            return True
        often = (self.ran_after - self.ran_before) * (self.median_before + self.median_after) / 2
        long = (self.median_after - self.median_before) * (self.ran_before + self.ran_after) / 2
        return abs(often) > abs(long)


def attribute(rows: Iterable[Mapping[str, Any]], *, is_more: bool) -> list[Part]:
    """Return the steps that changed the way the builds did, those with most of it first.

    Amounts are means over builds, so that what ran only in some counts as often as it did.
    """
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    if frame.empty or frame["is_after"].nunique() < 2:
        return []
    builds = frame.groupby("is_after")["build"].nunique()
    frame = _without_strays(frame.astype({"ran": float, "amount": float}))
    sides = {
        name: frame.pivot_table(
            name, ["identity", "platform"], "is_after", aggfunc="sum", fill_value=0.0
        ).div(builds)
        for name in ("amount", "ran")
    }
    runs = frame[frame["ran"] > 0]
    medians = runs.groupby(["identity", "platform", "is_after"])["amount"].median().to_dict()
    delta = sides["amount"][True] - sides["amount"][False]
    delta = delta if is_more else -delta
    total = delta.clip(lower=0).sum()
    if not total:
        return []
    shares = (delta / total).sort_values(ascending=False, kind="stable")
    return [
        _part(key, share, sides, medians)
        for key, share in shares[shares >= LEAST_SHARE].to_dict().items()
    ]


def _without_strays(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose amounts are at most ``STRAY`` medians of that step's runs on their side.

    One build that was held up explains no change, and its steps would have most of a mean.
    """
    runs = frame["amount"].where(frame["ran"] > 0)
    usual = runs.groupby([frame[name] for name in ("identity", "platform", "is_after")])
    return frame.assign(amount=frame["amount"].clip(upper=STRAY * usual.transform("median")))


def _part(
    key: Any, share: float, sides: Mapping[str, pd.DataFrame], medians: Mapping[Any, float]
) -> Part:
    identity, platform = key
    amount, ran = (sides[name].loc[key].to_dict() for name in ("amount", "ran"))
    return Part(
        identity=str(identity),
        platform=str(platform),
        before=float(amount[False]),
        after=float(amount[True]),
        share=float(share),
        ran_before=float(ran[False]),
        ran_after=float(ran[True]),
        median_before=medians.get((*key, False)),
        median_after=medians.get((*key, True)),
    )
