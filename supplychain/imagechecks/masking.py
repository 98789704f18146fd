"""Texts of an image without the secrets that they may hold."""

import re
from collections.abc import Iterable

from supplychain.imagechecks.formats import assignments, spans

MASK = "••••••"
_SHORTEST = 4
_LONGEST = 20_000
"""Characters of a text that are looked at; of what is shown there are far fewer."""

_ARGUMENTS = re.compile(r"^(?:RUN\s+)?\|\d+\s")
_SHELL = re.compile(r"\s/(?:usr/)?bin/\w*sh\s(?:-\w+\s)*-\w*c\s")


class Masker:
    """Masks by formats, by names, and by the values that are known to be secret."""

    def __init__(self, values: Iterable[str]) -> None:
        known = {value for value in values if len(value) >= _SHORTEST}
        self._values = sorted(known, key=len, reverse=True)

    def masked(self, text: str) -> str:
        """Return a text without secrets.

        What follows a value that a name says is secret is left out with it, as histories have
        values with spaces without quotes.
        """
        text = text[:_LONGEST]
        for value in self._values:
            text = text.replace(value, MASK)
        if found := [at for _, at in assignments(text)]:
            text = f"{text[: min(found)]}{MASK}"
        return _cut(text.encode("utf-8", "replace"), sorted(spans(text)))

    @staticmethod
    def without_arguments(text: str) -> str:
        """Return an instruction without values of build arguments, all that is before its shell."""
        if not _ARGUMENTS.match(text):
            return text
        *_, last = [None, *_SHELL.finditer(text)]
        return f"RUN {text[last.end() :]}" if last else "RUN …"


def _cut(data: bytes, found: list[tuple[int, int]]) -> str:
    """Return a text with a mask in the place of spans, which may overlap."""
    parts: list[bytes] = []
    at = 0
    for start, end in found:
        if start >= at:
            parts += [data[at:start], MASK.encode()]
        at = max(at, end)
    return b"".join([*parts, data[at:]]).decode("utf-8", "replace")
