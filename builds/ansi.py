"""Terminal output as HTML: colours become classes, everything else is escaped."""

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

CONTROL = re.compile(
    r"\x1b\[([0-9;]*)m"  # colours: the one sequence that is shown
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # other control sequences: cursor, erase
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b[@-Z\\-_]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)

EXTENDED_COLOUR = re.compile(r"\b[345]8;(?:5;\d*|2;\d*;\d*;\d*)")
"""Colours of the 256 and RGB palettes: left out, and their numbers are not codes of their own."""

MAX_CODE_DIGITS = 3

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def ansi_line(text: str) -> SafeString:
    """Return one line as HTML: spans with classes ``ansi-red``, ``ansi-bold`` and so on.

    A carriage return means that what follows overwrites the line, as a terminal would show it.
    """
    return format_html_join("", "{}", ((piece,) for piece in _pieces(_visible(text))))


def plain_line(text: str) -> str:
    """Return one line as a terminal would show it, without colours."""
    return CONTROL.sub("", _visible(text))


def _visible(text: str) -> str:
    return text.rstrip("\r").rpartition("\r")[2]


def _pieces(text: str) -> Iterator[SafeString | str]:
    classes: frozenset[str] = frozenset()
    position = 0
    for match in CONTROL.finditer(text):
        if match.start() > position:
            yield _span(text[position : match.start()], classes)
        if match.group(1) is not None:
            classes = _apply(classes, match.group(1))
        position = match.end()
    if position < len(text):
        yield _span(text[position:], classes)


def _span(text: str, classes: frozenset[str]) -> SafeString | str:
    if not classes:
        return text
    return format_html('<span class="{}">{}</span>', " ".join(sorted(classes)), text)


def _apply(classes: frozenset[str], codes: str) -> frozenset[str]:
    numbers = EXTENDED_COLOUR.sub("", codes).split(";") if codes else ["0"]
    for code in (int(number) for number in numbers if 0 < len(number) <= MAX_CODE_DIGITS):
        if code == 0:
            classes = frozenset()
        elif code == 1:
            classes |= {"ansi-bold"}
        elif 30 <= code <= 37 or 90 <= code <= 97:
            colour = {f"ansi-{COLOURS[code % 10]}"}
            classes = frozenset(c for c in classes if c == "ansi-bold") | colour
        elif code == 39:  # default colour
            classes = frozenset(c for c in classes if c == "ansi-bold")
    return classes
