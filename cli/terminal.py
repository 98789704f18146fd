"""Texts of others on a terminal: what is in an image, a registry or a report may be hostile."""

from collections.abc import Iterable

BREAKS = "\n\t"


def inert(text: str, *, keep: str = "") -> str:
    """Return a text that can neither command a terminal nor seem to be in another order.

    Nor does it begin another line, unless ``keep`` has the characters that do.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in keep else "�" for letter in text)


def told(lines: Iterable[str]) -> str:
    """Return lines as they may be printed, each of which stays one."""
    return "\n".join(map(inert, lines))
