"""How sections write values: as pages do, but as plain text."""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from buildinsights.templatetags.formats import counted, short_digests
from reports.scheduled.optimisation import Cell, Raw

UNKNOWN = "–"

LONGEST_NOTE = 180
"""Characters."""


def written(shown: Callable[[Any], Any], value: Any) -> str:
    """Return a value in words; a dash where none is known, for which pages have markup."""
    return UNKNOWN if value is None else str(shown(value))


def cell(shown: Callable[[Any], Any], value: Raw, note: str = "", verdict: str = "") -> Cell:
    """Return the cell of a value."""
    return Cell(written(shown, value), value, note, verdict=verdict)


def short(text: str) -> str:
    """Return what fits under a line: digests by their first signs, of a long text the beginning."""
    return textwrap.shorten(short_digests(text), LONGEST_NOTE, placeholder=" …")


def against_cell(found: Mapping[str, Any], other: Mapping[str, Any], noun: str) -> Cell:
    """Return the value of a period with how it compares to another one.

    Both are as ``reports.comparison`` has them; the samples say what each was told from.
    """
    if found["value"] is None:
        return Cell(UNKNOWN)
    note = f"of {counted(found['sample'], noun[:-1])}"
    if other["value"] is not None:
        change = f"{other['change_shown']}, " if other["change"] is not None else ""
        note += f"; {change}{other['shown']} of {other['sample']} before"
    return Cell(str(found["shown"]), found["value"], note, verdict=other["verdict"])
