"""What kind of failure a build ended with, and which failures are the same."""

import hashlib
import re
from dataclasses import dataclass

from buildkit.model import BuildStatus, Failure, Step

NORMALISATIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"sha256:[0-9a-f]{12,64}"), "sha256:…"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[a-z0-9]{25}\b"), "<ref>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"\b\d+\.\d+ ?m?s\b"), "<duration>"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "<address>"),
)
"""Parts of a message that differ between two occurrences of one failure."""

DOCKERFILE_MARKS = ("dockerfile parse error", "unknown instruction")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A failure class, and a fingerprint that equal failures share."""

    failure_class: str
    fingerprint: str


def classify(failure: Failure, status: BuildStatus, step: Step | None) -> Verdict:
    """Name the class of a failure and fingerprint it.

    Classes: ``canceled``, ``dockerfile`` (the build definition is wrong), ``step`` (a step ended
    with an error) and ``solve`` (BuildKit could not go on outside any step).
    Fingerprint: the first 16 hexadecimal digits of SHA-256 over class, step identity and the
    message after ``NORMALISATIONS``.
    """
    failure_class = _failure_class(failure, status, step)
    parts = (failure_class, step.identity if step else "", normalise(failure.message))
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
    return Verdict(failure_class, digest[:16])


def normalise(message: str) -> str:
    """Replace what differs between occurrences of the same failure."""
    for pattern, replacement in NORMALISATIONS:
        message = pattern.sub(replacement, message)
    return message


def _failure_class(failure: Failure, status: BuildStatus, step: Step | None) -> str:
    if status == BuildStatus.CANCELED:
        return "canceled"
    if any(mark in failure.message.lower() for mark in DOCKERFILE_MARKS):
        return "dockerfile"
    return "step" if step else "solve"
