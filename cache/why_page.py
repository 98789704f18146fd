"""Why the steps of a build ran: the chains of it, and what was not recorded."""

from typing import Any

from buildkit.explaining import MEANINGS, Cause
from buildkit.explaining.chains import grouped
from builds.models import Build, Step
from cache.explaining import comparable
from cache.models import StepReason
from cache.services import reasons_of

CHOICES = 20


def why_page(build: Build, against: Build | None = None) -> dict[str, Any]:
    """Return the context."""
    explanation, reasons = reasons_of(build, against)
    steps = {step.position: step for step in Step.objects.of(build)}
    return {
        "build": build,
        "state": explanation.state,
        "against": explanation.against,
        "others": comparable(build)[:CHOICES],
        "missing": explanation.missing,
        "chains": chains(reasons, steps),
        "ran": len(reasons),
    }


def chains(reasons: list[StepReason], steps: dict[int, Step]) -> list[dict[str, Any]]:
    """Return the first step of each chain with what followed from it, the costliest first."""
    found = [_chain(head, rest, steps) for head, rest in grouped(reasons)]
    return sorted(found, key=lambda chain: (-chain["seconds"], chain["step"].position))


def _chain(reason: StepReason, cascade: list[StepReason], steps: dict[int, Step]) -> dict[str, Any]:
    meaning = MEANINGS[Cause(reason.cause)]
    return {
        "step": steps[reason.position],
        "title": meaning.title,
        "advice": meaning.advice,
        "confidence": reason.confidence,
        "evidence": reason.evidence,
        "missing": reason.missing,
        "seconds": reason.seconds + sum(item.seconds for item in cascade),
        "cascade": [steps[item.position] for item in cascade],
    }
