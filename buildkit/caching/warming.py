"""Which targets are worth warming: what a warm cache would have saved, less what warming costs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from buildkit.explaining import Cause, Evidence, explain
from buildkit.model import CACHEABLE_KINDS, Build

SAVED_BY_WARMTH = frozenset({Cause.GONE, Cause.NOT_IMPORTED})
"""Causes of steps that had been built before, and that a warm cache would have had."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A build's seconds in steps that ran, by whether a warm cache would have had them.

    ``unknown_seconds`` are of steps that were seen for the first time or whose cause the records do
    not tell.
    """

    target: str
    lost_seconds: float
    unknown_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target and what warming it is worth over the time that was looked at.

    ``warming_seconds`` is one warming: the median of what was lost at a time. ``net_seconds`` is
    what one warming that lasts would have saved.
    """

    target: str
    builds: int
    losses: int
    lost_seconds: float
    warming_seconds: float
    unknown_seconds: float

    @property
    def net_seconds(self) -> float:
        """Seconds that are saved beyond those that warming takes."""
        return self.lost_seconds - self.warming_seconds

    def __str__(self) -> str:
        """Say how the number came about."""
        words = (
            f"{self.losses} of {self.builds} builds ran steps again that the cache had lost: "
            f"{self.lost_seconds:.1f} s; one warming takes about {self.warming_seconds:.1f} s"
        )
        unknown = f"; {self.unknown_seconds:.1f} s of steps are not counted (first seen, unknown)"
        return words + (unknown if self.unknown_seconds else "")


def loss_of(target: str, after: Build, before: Build | None) -> Loss:
    """Return what a build lost to a cold cache, told by the build before it."""
    explanation = explain(Evidence(after), Evidence(before) if before else None)
    lost = unknown = 0.0
    for position, reason in explanation.reasons.items():
        step = after.steps[position]
        if step.kind not in CACHEABLE_KINDS:
            continue
        cause = explanation.reasons[reason.first].cause
        if cause in SAVED_BY_WARMTH:
            lost += step.busy_seconds
        elif cause in {Cause.FIRST, Cause.UNKNOWN}:
            unknown += step.busy_seconds
    return Loss(target, lost, unknown)


def candidates(losses: Iterable[Loss]) -> tuple[Candidate, ...]:
    """Return the targets that are worth warming, the most worth first.

    A target that lost something once only is none: warming takes as long as what it saves.
    """
    by_target: defaultdict[str, list[Loss]] = defaultdict(list)
    for loss in losses:
        by_target[loss.target].append(loss)
    found = (_candidate(target, own) for target, own in by_target.items())
    return tuple(
        sorted(
            (item for item in found if item.net_seconds > 0),
            key=lambda item: (-item.net_seconds, item.target),
        )
    )


def _candidate(target: str, losses: list[Loss]) -> Candidate:
    lost = [loss.lost_seconds for loss in losses if loss.lost_seconds]
    return Candidate(
        target=target,
        builds=len(losses),
        losses=len(lost),
        lost_seconds=sum(lost),
        warming_seconds=median(lost) if lost else 0.0,
        unknown_seconds=sum(loss.unknown_seconds for loss in losses),
    )
