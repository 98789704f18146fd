"""Fields of a report's entries, read strictly: a value of another kind spoils its entry.

An absent field and ``null`` are the same everywhere. Texts are cleaned of what PostgreSQL cannot
store or that is no text, and cut at a bound. No message repeats a value: one might be a secret.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

from buildkit.values import INT64_MAX, Json, clean
from supplychain.reports.model import Severity

NAME_LIMIT = 500
"""Characters of a name, an id, a version or a digest."""

PATH_LIMIT = 1_000
"""Characters of a path, a target's name, a package URL or an instruction."""

URL_LIMIT = 2_000
"""Characters of an address."""

PROSE_LIMIT = 4_000
"""Characters of a title, a message or a remedy."""

LIST_LIMIT = 1_000
"""Members of a list of texts: aliases, licences, tags, layers."""

MAX_CVSS = 10.0

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What commands a terminal, or lets a text be read in another order than it is in."""

_KINDS = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
_SEVERITIES: dict[str, Severity] = {item.value: item for item in Severity}
_NO_ENTRY: Json = {}


class WrongShapeError(Exception):
    """An entry has a field of another kind than its format has; the message says which."""


def kind_of(value: object) -> str:
    """What JSON calls a value: ``a number``, ``an object``, …."""
    return _KINDS.get(type(value), "text" if isinstance(value, str) else "null")


def is_number(value: object, wanted: int) -> bool:
    """Whether a value is this number; ``true`` is none."""
    return value == wanted and not isinstance(value, bool)


def text(entry: Json, key: str, limit: int = NAME_LIMIT) -> str:
    """Return a text, cleaned and cut; empty if absent."""
    value = entry.get(key)
    if value is None:
        return ""
    if type(value) is not str:
        raise WrongShapeError(f"{key} is {kind_of(value)}, expected text")
    # As ``bounded`` would, without the call: most of the time of reading goes by here.
    if len(value) <= limit and value.isprintable():
        return value
    return bounded(value, limit)


def bounded(value: str, limit: int) -> str:
    """Clean and cut a text."""
    if len(value) > limit:
        value = value[:limit]
    return value if value.isprintable() else clean(_COMMANDS.sub("\ufffd", value))


def child(entry: Json, key: str) -> Json:
    """Return an object within; empty if absent."""
    value = entry.get(key)
    if value is None:
        return _NO_ENTRY
    if type(value) is not dict:
        raise WrongShapeError(f"{key} is {kind_of(value)}, expected an object")
    return value


def members(entry: Json, key: str) -> list[object]:
    """Return a list within; empty if absent."""
    value = entry.get(key)
    if value is None:
        return []
    if type(value) is not list:
        raise WrongShapeError(f"{key} is {kind_of(value)}, expected a list")
    return value


def objects(entry: Json, key: str) -> list[Json]:
    """Return a list of objects within; empty if absent."""
    found = members(entry, key)
    for item in found:
        if type(item) is not dict:
            raise WrongShapeError(f"{key} holds {kind_of(item)}, expected objects")
    return found  # type: ignore[return-value]


def texts(entry: Json, key: str, limit: int = NAME_LIMIT) -> tuple[str, ...]:
    """Return a list of texts, cleaned and cut; empty if absent."""
    found = members(entry, key)
    for item in found:
        if type(item) is not str:
            raise WrongShapeError(f"{key} holds {kind_of(item)}, expected texts")
    return tuple(bounded(str(item), limit) for item in found[:LIST_LIMIT])


def aliases_of(own_id: str, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return other ids than the own, sorted, each once."""
    return tuple(sorted({item for item in ids if item and item != own_id})) if ids else ()


def is_true(entry: Json, key: str) -> bool:
    """Return a boolean; false if absent."""
    value = entry.get(key)
    if value is None or type(value) is bool:
        return bool(value)
    raise WrongShapeError(f"{key} is {kind_of(value)}, expected a boolean")


def line(entry: Json, key: str) -> int | None:
    """Return the number of a line; ``None`` if absent or 0, which means unknown."""
    value = entry.get(key)
    if value is None or (type(value) is int and 0 <= value <= INT64_MAX):
        return value or None
    raise WrongShapeError(f"{key} is no number of a line")


def score(entry: Json, key: str, most: float) -> float | None:
    """Return a number of 0 to ``most``; ``None`` if absent."""
    value = entry.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise WrongShapeError(f"{key} is no number of 0 to {most:g}")
    return float(value)


def severity(entry: Json, key: str) -> Severity:
    """Return a severity; ``UNKNOWN`` if absent, or of a word that is not known."""
    value = entry.get(key)
    found = _SEVERITIES.get(value) if type(value) is str else None
    return found if found is not None else severity_of(text(entry, key))


def severity_of(word: str) -> Severity:
    """Return the severity that a word names, in any case."""
    return _SEVERITIES.get(word.upper(), Severity.UNKNOWN)


def moment(entry: Json, key: str) -> datetime | None:
    """Return a time, in UTC; ``None`` if absent, no time, or Go's zero."""
    value = text(entry, key)
    return moment_of(value) if value else None


@lru_cache(maxsize=4096)
def moment_of(value: str) -> datetime | None:
    """Return a time that is written in ISO 8601, in UTC; ``None`` if it is none, or Go's zero."""
    try:
        found = datetime.fromisoformat(value)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year > 1 else None
