"""Chains of steps that ran: the first of each, why it ran, and what followed from it."""

from dataclasses import dataclass

from buildkit.explaining.causes import MEANINGS, Cause, Meaning
from buildkit.explaining.reasons import Explanation, Reason
from buildkit.model import Build, Step


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
    """Return the chains of a build, the costliest first; what runs in every build is left out."""
    followers: dict[int, list[Step]] = {}
    for reason in explanation.reasons.values():
        if reason.cause is Cause.PARENT:
            followers.setdefault(reason.first, []).append(build.steps[reason.position])
    found = [
        _chain(build.steps[reason.position], reason, tuple(followers.get(reason.position, ())))
        for reason in explanation.reasons.values()
        if reason.cause not in {Cause.PARENT, Cause.ALWAYS}
    ]
    return tuple(sorted(found, key=lambda chain: (-chain.seconds, chain.step.position)))


def missing_evidence(explanation: Explanation) -> tuple[str, ...]:
    """Return what was not recorded and would have told more, each once."""
    named = (item for reason in explanation.reasons.values() for item in reason.missing)
    return tuple(dict.fromkeys(named))


def _chain(step: Step, reason: Reason, cascade: tuple[Step, ...]) -> Chain:
    seconds = step.busy_seconds + sum(other.busy_seconds for other in cascade)
    return Chain(reason, step, cascade, seconds)
