"""Policies as they are written: JSON or YAML, checked before they are used."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from buildkit.errors import ParseError

SEVERITIES = ("UNKNOWN", "NEGLIGIBLE", "LOW", "MEDIUM", "HIGH", "CRITICAL")
MOST_CHARACTERS = 100_000
MOST_DEPTH = 20

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


THRESHOLD = _object(
    {
        "severity": {"enum": list(SEVERITIES)},
        "most": COUNT,
        "fixable_only": {"type": "boolean"},
        "older_than_days": DAYS,
    },
    "severity",
    "most",
)
REQUIRED = _object({"required": {"const": True}}, "required")

SCHEMA = _object(
    {
        "description": {"type": "string"},
        "vulnerabilities": {"type": "array", "minItems": 1, "items": THRESHOLD},
        "misconfigurations": {"type": "array", "minItems": 1, "items": THRESHOLD},
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
    if len(text) > MOST_CHARACTERS:
        raise ParseError("policy", f"It has more than {MOST_CHARACTERS} characters.")
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise ParseError("policy", f"It is no JSON and no YAML of plain values: {error}") from error
    if not isinstance(value, dict):
        raise ParseError("policy", "It is no mapping of rules.")
    return value


def _yaml(text: str) -> Any:
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text):
            # Ten lines of aliases can stand for a billion values.
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("aliases are not read")  # noqa: TRY004  # of a text
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            # The parser needs minutes for tens of thousands of open brackets.
            if depth > MOST_DEPTH:
                raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def problems_of(document: Any) -> list[Problem]:
    """Return everything that is wrong with a policy, in the order of places."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    errors = sorted(Draft202012Validator(SCHEMA).iter_errors(document), key=lambda e: list(e.path))
    found = [Problem(_path(error.absolute_path), _sentence(error)) for error in errors]
    if found:
        return found
    if set(document) <= {"description"}:
        return [Problem("policy", "It has no rule.")]
    return _repeated(document)


def _path(parts: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".") or "policy"


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
