"""Whether an image is better on another base: its size, layers, findings and checks."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from supplychain.reports.model import Severity

WORSE_RATIO = 0.10
"""An image that grows by more, and has nothing less that is wrong with it, is worse."""

NOTICED_RATIO = 0.01
"""A smaller change of size says nothing."""

SERIOUS = (Severity.CRITICAL, Severity.HIGH)


class Word(StrEnum):
    """What is said of an update in one word."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True)
class Found:
    """One vulnerability of a package."""

    id: str
    package: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Subject:
    """What was seen of an image; ``None`` is what was not looked at.

    ``checks`` are the ids of those that fail, with their severity.
    """

    size_bytes: int | None
    layers: int
    findings: frozenset[Found] | None
    checks: dict[str, Severity] | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word with all that was compared."""

    word: Word
    reasons: tuple[str, ...]


def judge(before: Subject, after: Subject) -> Verdict:
    """Hold an image against the one before.

    It is worse with more serious vulnerabilities, with a check that fails and did not, or if it
    grows without having less that is wrong. It is better if less is wrong, or if it is smaller.
    """
    bad = [*_more_findings(before, after), *_new_failures(before, after)]
    good = [*_fewer_findings(before, after), *_passed(before, after)]
    size, grown = _size(before, after)
    if grown > WORSE_RATIO and not good:
        bad.append(f"it grows by {grown:.0%}, and nothing less is wrong with it")
    is_better = bool(good) or grown < -NOTICED_RATIO
    word = Word.WORSE if bad else Word.BETTER if is_better else Word.SAME
    layers = f"layers: {before.layers} before, {after.layers} after"
    return Verdict(word, (*bad, *good, size, layers, *_unseen(before, after)))


def _size(before: Subject, after: Subject) -> tuple[str, float]:
    if not before.size_bytes or after.size_bytes is None:
        return "size: not known", 0.0
    ratio = after.size_bytes / before.size_bytes - 1
    return (
        f"size: {before.size_bytes:,} bytes before, {after.size_bytes:,} after ({ratio:+.1%})",
        ratio,
    )


def _more_findings(before: Subject, after: Subject) -> Iterator[str]:
    for severity, old, new in _counts(before, after):
        if severity in SERIOUS and new > old:
            yield f"{severity.value} vulnerabilities: {old} before, {new} after"


def _fewer_findings(before: Subject, after: Subject) -> Iterator[str]:
    for severity, old, new in _counts(before, after):
        if new < old:
            yield f"{severity.value} vulnerabilities: {old} before, {new} after"


def _counts(before: Subject, after: Subject) -> Iterator[tuple[Severity, int, int]]:
    """Yield vulnerabilities by severity, each package's once, the worst first."""
    if before.findings is None or after.findings is None:
        return
    old = Counter(item.severity for item in before.findings)
    new = Counter(item.severity for item in after.findings)
    for severity in reversed(Severity):
        yield severity, old[severity], new[severity]


def _new_failures(before: Subject, after: Subject) -> Iterator[str]:
    if before.checks is not None and after.checks is not None:
        for name in sorted(after.checks.keys() - before.checks.keys()):
            yield f"the check {name} fails and did not ({after.checks[name].value})"


def _passed(before: Subject, after: Subject) -> Iterator[str]:
    if before.checks is not None and after.checks is not None:
        for name in sorted(before.checks.keys() - after.checks.keys()):
            yield f"the check {name} fails no more"


def _unseen(before: Subject, after: Subject) -> Iterator[str]:
    if before.findings is None or after.findings is None:
        yield "vulnerabilities: not compared"
    if before.checks is None or after.checks is None:
        yield "checks: not compared"
