"""Chains of steps that ran: the first of each, why it ran, and what followed from it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from buildkit.explaining.causes import MEANINGS, Cause, Meaning
from buildkit.explaining.reasons import Explanation, Reason
from buildkit.model import Build, Step


class Told(Protocol):
    """A reason, as it was just found or as it was kept."""

    @property
    def position(self) -> int: ...
    @property
    def cause(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def evidence(self) -> Sequence[str]: ...


def grouped[R: Told](reasons: Iterable[R]) -> list[tuple[R, list[R]]]:
    """Return the first of each chain with those that follow from it, by position.

    What ran because of one image, the steps right above it and the image itself, is one chain.
    What runs in every build is left out.
    """
    ordered = sorted(reasons, key=lambda reason: reason.position)
    heads: dict[int, int] = {}
    bases: dict[tuple[str, ...], int] = {}
    chains: dict[int, tuple[R, list[R]]] = {}
    for reason in ordered:
        if reason.cause == Cause.ALWAYS:
            continue
        head = heads.get(reason.first) if reason.cause == Cause.PARENT else None
        if reason.cause == Cause.BASE:
            head = bases.setdefault(tuple(reason.evidence), reason.position)
        head = reason.position if head is None else head
        heads[reason.position] = head
        if head == reason.position:
            chains[head] = (reason, [])
        else:
            chains[head][1].append(reason)
    return list(chains.values())


@dataclass(frozen=True, slots=True)
class Chain:
    """The first step of a chain with its reason, and the steps that ran because of it.

    ``seconds`` is the busy time of all of them.
    """

    reason: Reason
    step: Step
    cascade: tuple[Step, ...]
    seconds: float

    @property
    def meaning(self) -> Meaning:
        """What its cause means and what helps."""
        return MEANINGS[self.reason.cause]


def chains(build: Build, explanation: Explanation) -> tuple[Chain, ...]:
    """Return the chains of a build, the costliest first."""
    found = [
        _chain(build.steps[head.position], head, [build.steps[item.position] for item in rest])
        for head, rest in grouped(explanation.reasons.values())
    ]
    return tuple(sorted(found, key=lambda chain: (-chain.seconds, chain.step.position)))


def missing_evidence(explanation: Explanation) -> tuple[str, ...]:
    """Return what was not recorded and would have told more, each once."""
    named = (item for reason in explanation.reasons.values() for item in reason.missing)
    return tuple(dict.fromkeys(named))


def _chain(step: Step, reason: Reason, cascade: Sequence[Step]) -> Chain:
    seconds = step.busy_seconds + sum(other.busy_seconds for other in cascade)
    return Chain(reason, step, tuple(cascade), seconds)
