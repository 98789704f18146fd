"""The order of Maven's versions, by the rules of its POM reference."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from supplychain.versions.errors import InvalidVersionError

_TOKEN = re.compile(r"(?P<separator>[.\-_]?)(?P<text>[0-9]+|[^0-9.\-_]+|)", re.ASCII)
_WORDS = {
    name: place
    for place, names in enumerate(
        (
            ("alpha",),
            ("beta",),
            ("milestone",),
            ("rc", "cr"),
            ("snapshot",),
            ("", "final", "ga", "release"),
            ("sp",),
        )
    )
    for name in names
}
_OTHER_WORD = len(set(_WORDS.values()))
_RELEASE = _WORDS[""]
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}


@dataclass(frozen=True, slots=True)
class _Token:
    """A number or a word, and whether a dot or a hyphen is before it."""

    is_dotted: bool
    number: int | None
    word: str = ""

    @property
    def is_null(self) -> bool:
        return self.number == 0 if self.number is not None else self.place == _RELEASE

    @property
    def place(self) -> int:
        return _WORDS.get(self.word, _OTHER_WORD)

    def key(self) -> tuple[int, int, int, str]:
        """Words are before ``-number``, and that is before ``.number``."""
        if self.number is not None:
            return (2 if self.is_dotted else 1, self.number, 0, "")
        return (0, 0, self.place, self.word if self.place == _OTHER_WORD else "")


class MavenKey:
    """A version; the shorter of two is filled with what means nothing."""

    def __init__(self, version: str) -> None:
        if not version or not version.isprintable() or " " in version:
            raise InvalidVersionError(version)
        self._tokens = _trimmed(list(_tokens(version.lower())))

    def __lt__(self, other: "MavenKey") -> bool:
        return next((mine < theirs for mine, theirs in self._pairs(other) if mine != theirs), False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MavenKey) and all(a == b for a, b in self._pairs(other))

    def _pairs(
        self, other: "MavenKey"
    ) -> Iterator[tuple[tuple[int, int, int, str], tuple[int, int, int, str]]]:
        for mine, theirs in zip_longest(self._tokens, other._tokens):  # noqa: SLF001
            yield (mine or _null_beside(theirs)).key(), (theirs or _null_beside(mine)).key()


def _null_beside(token: _Token) -> _Token:
    return (
        _Token(is_dotted=True, number=0)
        if token.is_dotted
        else _Token(is_dotted=False, number=None)
    )


def _tokens(version: str) -> Iterator[_Token]:
    found = [match for match in _TOKEN.finditer(version) if match[0]]
    if found and found[0]["separator"]:
        yield _Token(is_dotted=True, number=0)
    for place, match in enumerate(found):
        is_dotted = match["separator"] == "." or not place
        text = match["text"] or "0"
        if text.isdecimal():
            yield _Token(is_dotted, int(text))
        else:
            after = found[place + 1] if place + 1 < len(found) else None
            is_short = after is not None and not after["separator"]
            yield _Token(is_dotted, None, _SHORT.get(text, text) if is_short else text)


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    """Leave out what means nothing at the end, and before each hyphen."""
    kept: list[_Token] = []
    for place in range(len(tokens) - 1, -1, -1):
        is_before_hyphen = not kept or not kept[-1].is_dotted
        if place == 0 or not (is_before_hyphen and tokens[place].is_null):
            kept.append(tokens[place])
    return kept[::-1]
