"""What kind of failure a build ended with, and which failures are the same."""

import hashlib
import re
from dataclasses import dataclass

from buildkit.failure_classes import RULES, FailureClass
from buildkit.model import BuildStatus, Failure, Step, StepKind

NORMALISATIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"sha256:[0-9a-f]{12,64}"), "sha256:…"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<revision>"),
    (re.compile(r"\b[a-z0-9]{25}\b"), "<ref>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"\b\d+\.\d+ ?m?s\b"), "<duration>"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "<address>"),
    (re.compile(r"(/[^\s:/]*\.[a-z]{1,5}):\d+(?::\d+)?", re.IGNORECASE), r"\1:<line>"),
    (re.compile(r"(https?://)[^/\s\"']+"), r"\1<host>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\[[0-9a-f:]{2,}\](?::\d+)?"), "<host>"),
    (re.compile(r"(?<![\w/.-])[a-z0-9][a-z0-9.-]*:\d{2,5}(?=[/\s:]|$)", re.MULTILINE), "<host>"),
    (re.compile(r"\bline \d+\b"), "line <line>"),
)
"""Parts of a message that differ between two occurrences of one failure."""

_COMMAND = re.compile(r'process ".*" did not complete', re.DOTALL)
"""BuildKit quotes a step's whole command, and what a command names is not what went wrong."""

PRINTED_BYTES = 20_000
"""How much of the end of a step's output is read for its class."""

_EVIDENCE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """A failure class, what told it, and a fingerprint that equal failures share."""

    failure_class: FailureClass
    fingerprint: str
    evidence: str


def classify(failure: Failure, status: BuildStatus, step: Step | None) -> Verdict:
    """Name the class of a failure and fingerprint it.

    The first rule of ``failure_classes.RULES`` decides; a step whose command ended with an error
    that no rule knows is ``command``.
    Fingerprint: the first 16 hexadecimal digits of SHA-256 over class, step identity and the
    message after ``NORMALISATIONS``.
    """
    failure_class, evidence = _class_of(failure, status, step)
    parts = (failure_class.value, step.identity if step else "", normalise(failure.message))
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
    return Verdict(failure_class, digest[:16], evidence)


def normalise(message: str) -> str:
    """Replace what differs between occurrences of the same failure."""
    for pattern, replacement in NORMALISATIONS:
        message = pattern.sub(replacement, message)
    return message


def _class_of(failure: Failure, status: BuildStatus, step: Step | None) -> tuple[FailureClass, str]:
    if status == BuildStatus.CANCELED:
        return FailureClass.CANCELED, _short(failure.message)
    if step and step.kind in {StepKind.IMPORT_CACHE, StepKind.EXPORT_CACHE}:
        return FailureClass.CACHE, _short(failure.message)
    said = _COMMAND.sub("process did not complete", failure.message)
    printed = _printed(step) if step else ""
    for rule in RULES:
        texts = (said if rule.said else "", printed if rule.printed else "")
        for text in texts:
            if found := rule.pattern.search(text):
                return rule.failure_class, _line_around(text, found)
    is_command = step is not None and step.kind is StepKind.RUN
    return (FailureClass.COMMAND if is_command else FailureClass.OTHER), _short(failure.message)


def _printed(step: Step) -> str:
    data = b"".join(chunk.data for chunk in step.log)
    return data[-PRINTED_BYTES:].decode(errors="replace")


def _line_around(text: str, found: re.Match[str]) -> str:
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.start())
    return _short(text[start : end if end >= 0 else None].strip())


def _short(text: str) -> str:
    return text if len(text) <= _EVIDENCE_LENGTH else text[:_EVIDENCE_LENGTH] + "…"
