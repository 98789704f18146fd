"""A policy and the evidence make a verdict."""

from datetime import datetime
from typing import Any

from supplychain.gate.evidence import Evidence
from supplychain.gate.rules import RULES, named
from supplychain.gate.verdict import Excuse, Outcome, Reason, Verdict


def judge(document: dict[str, Any], evidence: Evidence, at: datetime) -> Verdict:
    """Return the verdict of a valid policy on an image at a moment.

    One failure is enough to fail; without any, what cannot be told makes it unknown.
    """
    reasons: list[Reason] = []
    passed: list[str] = []
    for name, rule in RULES.items():
        if name in document:
            said = list(rule(document[name], evidence, at))
            reasons += said
            passed += [] if said else [name]
    failures = [reason for reason in reasons if reason.outcome is Outcome.FAIL]
    gaps = [reason for reason in reasons if reason.outcome is Outcome.UNKNOWN]
    outcome = Outcome.FAIL if failures else Outcome.UNKNOWN if gaps else Outcome.PASS
    return Verdict(outcome, (*failures, *gaps), _excuses(evidence), tuple(passed))


def _excuses(evidence: Evidence) -> tuple[Excuse, ...]:
    excused = [item for item in evidence.findings if item.excused_by]
    return tuple(
        Excuse(
            finding,
            item.excused_by,
            item.excused_until.isoformat() if item.excused_until else "",
        )
        for item, finding in zip(excused, named(excused), strict=True)
    )
