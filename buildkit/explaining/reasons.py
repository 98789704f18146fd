"""Why each step of a build ran, told from two records.

A step that ran is compared with the same step of an earlier build: first what invalidates it
whatever it is (no cache asked for, a step before it that ran), then what it was made from, and last
whether its result could be in a cache at all. What is not recorded is named, and never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from buildkit.explaining.causes import MEANINGS, Cause, Confidence
from buildkit.explaining.comparing import Comparison
from buildkit.explaining.evidence import Evidence
from buildkit.explaining.found import Found
from buildkit.explaining.removals import Removal
from buildkit.model import CACHEABLE_KINDS, Build, Step, StepKind, StepState

RAN = frozenset({StepState.EXECUTED, StepState.FAILED})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one step ran.

    ``first`` is the position of the step that began the chain: its own, but for ``PARENT``.
    ``evidence`` are sentences; ``missing`` is what was not recorded and would have told more.
    """

    position: int
    cause: Cause
    confidence: Confidence
    first: int
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons of all steps that ran, by position; ``against`` is the earlier build's ref."""

    against: str
    reasons: Mapping[int, Reason] = field(default_factory=dict)


def explain(
    after: Evidence, before: Evidence | None, removals: Sequence[Removal] = ()
) -> Explanation:
    """Explain each step of ``after`` that ran, against ``before``.

    ``removals`` are what went from the builder's cache between the two.
    """
    comparison = Comparison(after, before, tuple(removals)) if before else None
    reasons: dict[int, Reason] = {}
    for step in after.build.steps:
        if step.state in RAN:
            reasons[step.position] = _reason(step, after.build, comparison, reasons)
    return Explanation(before.build.buildkit_ref if before else "", reasons)


def _reason(
    step: Step, build: Build, comparison: Comparison | None, known: Mapping[int, Reason]
) -> Reason:
    if step.kind not in CACHEABLE_KINDS:
        return _of(step, _drifted(step, comparison) or Found(Cause.ALWAYS))
    found = _not_asked(step, build) or _first_seen(step, comparison)
    if found:
        return _of(step, found)
    chain = _parent(step, build, known)
    if chain or comparison is None:
        return chain or _of(step, Found(Cause.FIRST))
    return _of(step, comparison.of(step))


def _of(step: Step, found: Found) -> Reason:
    return Reason(
        step.position, found.cause, found.confidence, step.position, found.evidence, found.missing
    )


def _drifted(step: Step, comparison: Comparison | None) -> Found | None:
    if comparison is None or step.kind is not StepKind.FROM or comparison.new(step):
        return None
    return comparison.base(step)


def _not_asked(step: Step, build: Build) -> Found | None:
    """Whether the cache was not to be used; the frontend is told of all stages, or of some."""
    asked = build.frontend_attrs.get("no-cache")
    if asked is None:
        return None
    if not asked:
        return Found(Cause.NO_CACHE, evidence=("Of all stages.",))
    stages = {name.strip().lower() for name in asked.split(",")}
    if step.stage.lower() not in stages:
        return None
    return Found(Cause.NO_CACHE, evidence=(f"Of stage {step.stage}.",))


def _first_seen(step: Step, comparison: Comparison | None) -> Found | None:
    if comparison is None:
        return Found(Cause.FIRST, evidence=("No earlier build is known.",))
    return comparison.new(step)


def _parent(step: Step, build: Build, known: Mapping[int, Reason]) -> Reason | None:
    """Follow what a step builds on to the first step of the chain that ran."""
    ran = [
        known[position]
        for position in step.inputs
        if position in known and build.steps[position].kind in CACHEABLE_KINDS
    ]
    if not ran:
        return None
    chosen = known[min(reason.first for reason in ran)]
    title = MEANINGS[chosen.cause].title.lower()
    words = f"The chain begins with {build.steps[chosen.position].name}: {title}."
    return Reason(step.position, Cause.PARENT, chosen.confidence, chosen.position, (words,))
