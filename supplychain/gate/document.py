"""Policies as they are written: JSON or YAML, checked before they are used."""

from dataclasses import dataclass
from typing import Any

from buildkit.errors import ParseError
from supplychain.reports.model import Severity
from supplychain.written import WHOLE, WrittenError, read_mapping, schema_errors

SEVERITIES = tuple(level.value for level in Severity)
MOST_CHARACTERS = 100_000

COUNT = {"type": "integer", "minimum": 0}
DAYS = {"type": "number", "exclusiveMinimum": 0}
NAMES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 500,
    "items": {"type": "string", "minLength": 1, "maxLength": 300},
}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "minProperties": 1,
    }


THRESHOLD = {"severity": {"enum": list(SEVERITIES)}, "most": COUNT, "older_than_days": DAYS}
FIXABLE = {"fixable_only": {"type": "boolean"}}
"""Only of vulnerabilities it is told whether they have a fix."""


def _thresholds(properties: dict[str, Any]) -> dict[str, Any]:
    item = _object(properties, "severity", "most")
    return {"type": "array", "minItems": 1, "items": item}


REQUIRED = _object({"required": {"const": True}}, "required")

SCHEMA = _object(
    {
        "description": {"type": "string"},
        "vulnerabilities": _thresholds(THRESHOLD | FIXABLE),
        "misconfigurations": _thresholds(THRESHOLD),
        "known_exploited": _object({"most": COUNT}, "most"),
        "secrets": _object({"most": COUNT}, "most"),
        "licenses": _object({"denied": NAMES}, "denied"),
        "scan": _object({"max_age_days": DAYS, "max_database_age_days": DAYS}),
        "base_image": _object(
            {"allowed": NAMES, "max_age_days": DAYS, "pinned": {"const": True}},
        ),
        "user": _object({"not_root": {"const": True}}, "not_root"),
        "labels": _object({"required": NAMES}, "required"),
        "size": _object({"most_bytes": COUNT}, "most_bytes"),
        "checks": _object({"required": NAMES}, "required"),
        "signature": REQUIRED,
        "provenance": REQUIRED,
    }
)
"""JSON Schema of a policy: a rule that is not written is not asked."""

BUILT_IN: dict[str, Any] = {
    "description": "What holds where no policy was written: nothing HIGH or CRITICAL.",
    "vulnerabilities": [
        {"severity": "CRITICAL", "most": 0},
        {"severity": "HIGH", "most": 0},
    ],
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a policy, and where: ``vulnerabilities[0].severity``."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def read_policy(text: str) -> dict[str, Any]:
    """Return a policy from JSON or YAML: a mapping of plain values.

    Raises:
        ParseError: it is neither, or not a mapping.
    """
    try:
        return read_mapping(text, MOST_CHARACTERS)
    except WrittenError as error:
        raise ParseError(error.place, error.message) from error


def problems_of(document: Any) -> list[Problem]:
    """Return everything that is wrong with a policy, in the order of places."""
    found = [Problem(place, _sentence(error)) for place, error in schema_errors(SCHEMA, document)]
    if found:
        return found
    if set(document) <= {"description"}:
        return [Problem(WHOLE, "It has no rule.")]
    return _repeated(document)


def _sentence(error: Any) -> str:
    if error.validator == "additionalProperties":
        known = ", ".join(sorted(error.schema["properties"]))
        extra = ", ".join(sorted(map(str, set(error.instance) - set(error.schema["properties"]))))
        return f"{extra} is not known here. Known are: {known}."
    if error.validator == "minProperties":
        return "It has no rule."
    return str(error.message)[:300]


def _repeated(document: dict[str, Any]) -> list[Problem]:
    """Two thresholds that differ in nothing but their number contradict each other."""
    found = []
    for rule in ("vulnerabilities", "misconfigurations"):
        kinds = [
            tuple(sorted((name, value) for name, value in item.items() if name != "most"))
            for item in document.get(rule, [])
        ]
        found += [
            Problem(f"{rule}[{number}]", "There is a threshold for just this before.")
            for number, kind in enumerate(kinds)
            if kind in kinds[:number]
        ]
    return found
