"""What came of judging an image."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Whether an image may ship. ``UNKNOWN``: nothing speaks against it, but evidence lacks."""

    PASS = "pass"  # noqa: S105  # an outcome
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an image does not pass a rule, or why that cannot be told."""

    rule: str
    outcome: Outcome
    message: str
    evidence: tuple[str, ...] = ()
    """What the rule looked at: findings, bases, labels; the first ``MOST_NAMED``."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """A finding that would have counted if it were not waived."""

    finding: str
    by: str
    until: str = ""
    """ISO 8601; empty if it has no end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome with its reasons, failures first."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    waivers: tuple[Excuse, ...] = ()
    passed: tuple[str, ...] = field(default=())
    """Rules that were asked and are kept."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold."""
        return {
            "verdict": str(self.outcome),
            "reasons": [
                {
                    "rule": reason.rule,
                    "outcome": str(reason.outcome),
                    "message": reason.message,
                    "evidence": list(reason.evidence),
                }
                for reason in self.reasons
            ],
            "waivers": [asdict(excuse) for excuse in self.waivers],
            "passed": list(self.passed),
        }
