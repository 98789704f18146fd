"""What was found of one step."""

from dataclasses import dataclass

from buildkit.explaining.causes import Cause, Confidence


@dataclass(frozen=True, slots=True)
class Found:
    """A cause with its evidence in sentences, and what was not recorded."""

    cause: Cause
    confidence: Confidence = Confidence.HIGH
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
