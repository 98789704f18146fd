"""What differs for good between the builds before a change of level and those since.

A single pair of builds differs in what every commit changes as well. What is told here is the same
in nearly all builds of a side, and another on the other side.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from buildkit.explaining.causes import Cause
from buildkit.explaining.comparing import Comparison
from buildkit.explaining.evidence import Evidence
from buildkit.explaining.found import Found
from buildkit.model import CACHEABLE_KINDS, Build, Step, StepKind

CAUSES = frozenset({Cause.BASE, Cause.INSTRUCTION, Cause.ARGUMENT, Cause.FILES, Cause.NOT_IMPORTED})
"""What an input of a build can do; the others are about the cache, or about nothing known."""

NEARLY_ALL = 0.75
"""Share of a side's builds that have a thing in common."""

REACH = 2
"""Builds on each side among which it may have come: where a level begins is an estimate."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """One thing that differs: ``steps`` are the identities of the steps that it goes into.

    ``since`` counts from the first build of the new level, at 0: the build it came with.
    """

    cause: Cause
    evidence: tuple[str, ...]
    steps: tuple[str, ...]
    since: int


def lasting(before: Sequence[Evidence], after: Sequence[Evidence]) -> list[Lasting]:
    """Return what differs for good; both sides are in order of time, next to the change."""
    if len(before) < REACH or len(after) < REACH:
        return []
    old, new = before[-REACH], after[REACH - 1]
    churning = _churning(before, after)
    found = _found(_without(old, churning), _without(new, churning))
    changing = _changing(before, after, churning)
    told: dict[Found, list[str]] = {}
    for identity, item in found.items():
        if changing[identity, item.cause] <= 1 - NEARLY_ALL:
            told.setdefault(item, []).append(identity)
    near = [_without(item, churning) for item in (*before[-REACH:], *after[:REACH])]
    return [
        Lasting(item.cause, item.evidence, tuple(steps), _since(near, steps[0], item.cause))
        for item, steps in told.items()
    ]


def above(build: Build, identity: str) -> frozenset[str]:
    """Return the identities of a step and of all that it builds on; empty if it is not there."""
    waiting = [step.position for step in build.steps if step.identity == identity]
    seen: set[int] = set()
    while waiting:
        position = waiting.pop()
        if position not in seen:
            seen.add(position)
            waiting += build.steps[position].inputs
    return frozenset(build.steps[position].identity for position in seen)


def _found(before: Evidence, after: Evidence) -> dict[str, Found]:
    """Return by step what of its own inputs is another one, whether it ran or not."""
    comparison = Comparison(after, before)
    found = ((step.identity, _of(comparison, step)) for step in after.build.steps)
    return {identity: item for identity, item in found if item and item.cause in CAUSES}


def _of(comparison: Comparison, step: Step) -> Found | None:
    if comparison.new(step):
        return None
    if step.kind is StepKind.FROM:
        return comparison.base(step)
    return comparison.of(step) if step.kind in CACHEABLE_KINDS else None


def _changing(
    before: Sequence[Evidence], after: Sequence[Evidence], churning: frozenset[str]
) -> Mapping[tuple[str, Cause], float]:
    """Return in which share of neighbouring builds of one side an input of a step differs."""
    pairs = [*pairwise(before[:-1]), *pairwise(after[1:])]
    changed = Counter(
        (identity, item.cause)
        for one, other in pairs
        for identity, item in _found(_without(one, churning), _without(other, churning)).items()
    )
    return defaultdict(float, {key: count / len(pairs) for key, count in changed.items()})


def _since(near: Sequence[Evidence], identity: str, cause: Cause) -> int:
    """Return the first of the builds near the change that differs from the first of them so."""
    for number, item in enumerate(near[1:], start=1):
        found = _found(near[0], item).get(identity)
        if found and found.cause is cause:
            return number - REACH
    return 0


def _churning(*sides: Sequence[Evidence]) -> frozenset[str]:
    """Return the files that are not the same in nearly all builds of either side."""
    return frozenset(path for side in sides for path in _unsettled(side))


def _unsettled(side: Sequence[Evidence]) -> Iterator[str]:
    known = [item.files for item in side if item.files is not None]
    for path in {path for files in known for path in files}:
        [(_, count)] = Counter(files.get(path) for files in known).most_common(1)
        if count < NEARLY_ALL * len(known):
            yield path


def _without(item: Evidence, churning: frozenset[str]) -> Evidence:
    if item.files is None:
        return item
    files = {path: digest for path, digest in item.files.items() if path not in churning}
    return replace(item, files=files)
