"""Environments: one file each with values for Bake's variables, checked against a schema.

``environments/NAME.json`` holds the values; ``environments/schema.json``, if it is there, says
which must and which may be set.
"""

import json
import re
from pathlib import Path
from typing import Any

from cli.errors import UsageError

FOLDER = "environments"

_OF_PROGRAMS = re.compile(
    r"(?:LD|DYLD|DOCKER|BUILDX|BUILDKIT|BUILDINSIGHTS|COMPOSE|GIT|SSH|SSL|OTEL|XDG|MALLOC|AWS|GOOGLE)"
    r"_.*|GO[A-Z]*|PYTHON.*|.*PATH|.*PRELOAD|.*_PROXY|HOME|SHELL|ENV|BASH_ENV|IFS|TMPDIR|TZ|RES_OPTIONS"
    r"|LOCALDOMAIN|HOSTALIASES|KUBECONFIG",
    re.IGNORECASE,
)
"""Variables that programs obey: Bake reads its variables from the same place, its environment."""


def bake_variables(directory: Path, name: str) -> dict[str, str]:
    """Return what an environment sets, as Bake reads variables; nothing if there are no files.

    Raises:
        UsageError: there is no such environment, or its file is wrong, with the place.
    """
    folder = directory / FOLDER
    if not folder.is_dir():
        return {}
    known = sorted(path.stem for path in folder.glob("*.json") if path.stem != "schema")
    if name not in known:
        raise UsageError(f"There is no environment {name}; there are {', '.join(known)}.")
    path = folder / f"{name}.json"
    values = _object(path)
    schema = folder / "schema.json"
    if schema.is_file():
        _check(values, _object(schema), path)
    for key in values:
        if not key.isidentifier() or _OF_PROGRAMS.fullmatch(key):
            raise UsageError(f"{path}: {key}: programs obey this variable; name it otherwise.")
    return {key: _text(value) for key, value in values.items()}


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{path}: must be a JSON object.")
    return document


def _check(values: dict[str, Any], schema: dict[str, Any], path: Path) -> None:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    found = sorted(Draft202012Validator(schema).iter_errors(values), key=lambda e: list(e.path))
    if found:
        lines = [
            f"{path}: {'.'.join(map(str, error.path)) or 'top'}: {error.message}" for error in found
        ]
        raise UsageError("\n".join(lines))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
