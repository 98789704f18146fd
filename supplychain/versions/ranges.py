"""Ranges of versions, as people ask for them: ``<2.17``, ``>=1.0 <2``."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from supplychain.versions.errors import InvalidRangeError, InvalidVersionError
from supplychain.versions.schemes import MAX_VERSION, Scheme

MOST_BOUNDS = 10
_BOUND = re.compile(r"(<=|>=|!=|==|<|>|=|)\s*([^\s,<>=!]+)[\s,]*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": lambda one, other: one < other or one == other,
    ">": lambda one, other: other < one,
    ">=": lambda one, other: other < one or one == other,
    "=": operator.eq,
    "==": operator.eq,
    "": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds that a version has to keep, all of them; without any, each version does."""

    bounds: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read bounds with blanks or commas between them.

        Raises:
            InvalidRangeError: it is none.
        """
        text, place = text.strip(), 0
        bounds: list[tuple[str, str]] = []
        while place < len(text):
            found = _BOUND.match(text, place)
            if found is None or len(found[2]) > MAX_VERSION or len(bounds) == MOST_BOUNDS:
                raise InvalidRangeError("write bounds like <2.17 or >=1.0 <2")
            bounds.append((found[1], found[2]))
            place = found.end()
        return cls(tuple(bounds))

    def admits(self, version: str, scheme: Scheme) -> bool:
        """Tell whether a version is in the range.

        Raises:
            InvalidVersionError: it, or a bound, is no version of the scheme.
        """
        key = scheme.key(version)
        return all(_OPERATORS[sign](key, scheme.key(bound)) for sign, bound in self.bounds)

    def names(self, version: str) -> bool | None:
        """Tell without an order whether a version is in the range; ``None`` if that needs one."""
        if all(sign in {"", "=", "=="} for sign, _ in self.bounds):
            return all(version == bound for _, bound in self.bounds)
        return None


def is_within(version: str, wanted: Range, scheme: Scheme | None) -> bool | None:
    """Tell whether a version is in a range; ``None`` if that cannot be told."""
    if scheme is not None:
        try:
            return wanted.admits(version, scheme)
        except InvalidVersionError:
            pass
    return wanted.names(version)
