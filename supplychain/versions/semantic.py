"""Semantic versions, and what is ordered like them: npm, Cargo, Go, NuGet, RubyGems."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from supplychain.versions.errors import InvalidVersionError

_SEMANTIC = re.compile(
    r"v?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_GEM = re.compile(r"[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", re.ASCII)
_GEM_PART = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)


def semantic_key(version: str) -> Any:
    """Return the key of a semantic version; of a release with more or fewer numbers, too.

    A pre-release is before its release, its numbers before its words; build metadata do not count.
    """
    found = _SEMANTIC.fullmatch(version)
    if found is None:
        raise InvalidVersionError(version)
    release = [int(number) for number in found["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    pre = found["pre"]
    return (
        release,
        1 if pre is None else 0,
        [_identifier(word) for word in (pre or "").split(".")],
    )


def nuget_key(version: str) -> Any:
    """Return the key of a version of NuGet, which does not know capitals from small letters."""
    return semantic_key(version.lower())


def _identifier(word: str) -> tuple[int, int, str]:
    return (0, int(word), "") if word.isdecimal() else (1, 0, word)


class GemKey:
    """A version of RubyGems: words are before numbers, and a missing part is the number 0."""

    def __init__(self, version: str) -> None:
        if not _GEM.fullmatch(version):
            raise InvalidVersionError(version)
        # A hyphen begins a pre-release, whatever follows it.
        self._parts = [
            (1, int(part), "") if part.isdecimal() else (0, 0, part)
            for part in _GEM_PART.findall(version.replace("-", ".pre."))
        ]

    def __lt__(self, other: "GemKey") -> bool:
        return next((mine < theirs for mine, theirs in self._pairs(other) if mine != theirs), False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GemKey) and all(a == b for a, b in self._pairs(other))

    def _pairs(self, other: "GemKey") -> Iterator[tuple[Any, Any]]:
        return zip_longest(self._parts, other._parts, fillvalue=_NOTHING)  # noqa: SLF001


_NOTHING = (1, 0, "")
