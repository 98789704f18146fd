"""``python -m analytics.changes``: a request a line, an answer a line, both JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from math import isfinite
from typing import Any

from analytics.changes.history import history
from analytics.changes.online import alerts, follow
from analytics.changes.scales import SCALES
from analytics.changes.state import Observation

LARGEST = 1e100
"""Squares and sums of such values are still finite."""

MODES = ["online", "offline"]
SHOWN = 40
"""Characters of a wrong value that an error shows."""


class RequestError(ValueError):
    """A request that cannot be answered; the message says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """A series; ``timestamps`` is empty, or as long as ``values``, like each covariate."""

    values: list[float]
    timestamps: list[float]
    covariates: dict[str, list[object]]
    unit: str
    online: bool


def answers(lines: Iterable[str]) -> Iterator[str]:
    """Return the answer to each line that is not blank; a bad one is answered by its error."""
    for line in lines:
        if line.strip():
            yield json.dumps(answer(line))


def answer(line: str) -> dict[str, Any]:
    """Return ``alerts`` (online) or ``changes``, or ``error``."""
    try:
        request = read(line)
    except RequestError as error:
        return {"error": str(error)}
    if request.online:
        return {"alerts": [list(alert) for alert in alerts(follow(builds(request), request.unit))]}
    found = history(request.values, request.timestamps, request.covariates, request.unit)
    return {"changes": [change.index for change in found]}


def builds(request: Request) -> Iterator[Observation]:
    """Return the builds of a request, one after the other."""
    names = list(request.covariates)
    columns = zip(*request.covariates.values(), strict=True) if names else repeat(())
    moments = request.timestamps or repeat(None)
    for value, moment, levels in zip(request.values, moments, columns, strict=False):
        yield Observation(value, moment, dict(zip(names, levels, strict=True)))


def read(line: str) -> Request:
    """Return the request that a line is; raise ``RequestError`` if it is none."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no JSON: {error}") from error
    if not isinstance(data, dict):
        raise RequestError("a request is a JSON object")
    unit, mode = data.get("unit") or "", data.get("mode") or "offline"
    _check_one_of("unit", unit, list(filter(None, SCALES)))
    _check_one_of("mode", mode, MODES)
    values = _numbers("values", data.get("values"))
    _check_range(values, unit)
    timestamps = _numbers("timestamps", data.get("timestamps") or [])
    if timestamps and len(timestamps) != len(values):
        raise RequestError(f"{len(timestamps)} timestamps of {len(values)} values")
    covariates = _covariates(data.get("covariates") or {}, len(values))
    return Request(values, timestamps, covariates, unit, mode == "online")


def _numbers(name: str, data: object) -> list[float]:
    if not isinstance(data, list):
        raise RequestError(f"{name} is a list of numbers")
    for place, value in enumerate(data):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RequestError(f"{name}[{place}] is no number: {json.dumps(value)[:SHOWN]}")
        if abs(value) > LARGEST or not isfinite(value):
            raise RequestError(f"{name}[{place}] is not finite, or too large")
    return [float(value) for value in data]


def _check_one_of(name: str, value: object, known: list[str]) -> None:
    if value and value not in known:
        raise RequestError(f"{name} is one of {', '.join(known)}, not {json.dumps(value)[:SHOWN]}")


def _check_range(values: list[float], unit: str) -> None:
    if unit and values and min(values) < 0:
        raise RequestError(f"values of unit {unit} are not below 0")
    if unit == "ratio" and values and max(values) > 1:
        raise RequestError("ratios lie within 0 and 1")


def _covariates(data: object, size: int) -> dict[str, list[object]]:
    if not isinstance(data, dict):
        raise RequestError("covariates is an object of lists")
    for name, levels in data.items():
        if not isinstance(levels, list):
            raise RequestError(f"covariate {name} is a list")
        if len(levels) != size:
            raise RequestError(f"{len(levels)} of covariate {name} for {size} values")
    return data
