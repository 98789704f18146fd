"""What is to be seen in a chart over time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

type Moment = date | datetime


@dataclass(frozen=True, slots=True)
class Spot:
    """A point. ``value`` is ``None`` where none is known: there the line has a gap.

    ``lines`` is what hovering says, ``href`` where a click leads, ``more`` values of further lines.
    """

    at: Moment
    value: float | None
    lines: Sequence[str] = ()
    href: str = ""
    low: float | None = None
    high: float | None = None
    more: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which something happened; ``state`` is ``worse`` or ``better``."""

    at: Moment
    text: str
    state: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A value that holds for a time, or for all of it."""

    text: str
    value: float
    first: Moment | None = None
    last: Moment | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """What is to be seen.

    ``unit`` is ``s``, ``bytes``, ``ratio`` or another; ``shown`` writes a value; ``name`` is of the
    line, ``range_name`` of the band around it, ``dots_name`` of single values beside it.
    ``hover`` is how a time is written, in the format of d3. To the address ``zoom`` a drag adds
    ``after`` and ``before``. ``links`` lead to the numbers; ``table`` is the id of theirs here.
    """

    spots: Sequence[Spot]
    unit: str
    shown: Callable[[float | None], Any]
    summary: str
    name: str = "Median"
    range_name: str = ""
    dots: Sequence[Spot] = ()
    dots_name: str = ""
    marks: Sequence[Mark] = ()
    levels: Sequence[Level] = ()
    hover: str = "%-d %b %Y"
    zoom: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    table: str = ""


def seconds(at: Moment) -> float:
    """Return seconds since 1970; a day is its beginning in UTC."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return at.timestamp()
