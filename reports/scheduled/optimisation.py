"""The optimisation report as it was told: words and numbers, once, for all that show it.

Everything is decided here and in the sections: e-mail, page, PDF, CSV and JSON arrange it. Texts
are plain, without what could steer a mail header or turn the direction of what stands beside.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Self

VERSION = 1
"""Of the document; a later one reads the earlier."""

LONGEST = 1000
"""Characters of one text."""

type Raw = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; ``name`` is for programs."""

    name: str
    label: str
    is_number: bool = False
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell shows, and the value that it shows; ``path`` is an address of this site.

    ``verdict`` is ``better``, ``worse``, ``same`` or a severity, as badges know them.
    """

    text: str
    value: Raw = None
    note: str = ""
    path: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under columns."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of_document(cls, found: Mapping[str, Any]) -> Self:
        """Return the table that JSON kept."""
        return cls(
            title=found["title"],
            columns=tuple(Column(**column) for column in found["columns"]),
            rows=tuple(tuple(Cell(**cell) for cell in row) for row in found["rows"]),
        )


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a chart; ``value`` is ``None`` where none is known."""

    label: str
    value: float | None
    shown: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line through the weeks; ``words`` say the same. ``unit`` is ``s``, ``bytes``, ``ratio``."""

    title: str
    words: str
    unit: str
    points: tuple[Point, ...]

    @classmethod
    def of_document(cls, found: Mapping[str, Any]) -> Self:
        """Return the chart that JSON kept."""
        points = tuple(Point(**point) for point in found["points"])
        return cls(found["title"], found["words"], found["unit"], points)


@dataclass(frozen=True, slots=True)
class Section:
    """One part. ``lead`` is the sentence that matters; ``path`` is the page with all of it.

    ``error`` says that it could not be made; then there is nothing else in it. ``key`` and
    ``title`` are given by what puts the report together.
    """

    key: str = ""
    title: str = ""
    lead: str = ""
    tables: tuple[Table, ...] = ()
    chart: Chart | None = None
    notes: tuple[str, ...] = ()
    path: str = ""
    error: str = ""

    @classmethod
    def of_document(cls, found: Mapping[str, Any]) -> Self:
        """Return the part that JSON kept."""
        chart = found["chart"]
        made = {
            "tables": tuple(map(Table.of_document, found["tables"])),
            "chart": Chart.of_document(chart) if chart else None,
            "notes": tuple(found["notes"]),
        }
        return cls(**dict(found) | made)


@dataclass(frozen=True, slots=True)
class Optimisation:
    """What a period was like, what waits, and what to do first; parts without news are left out.

    ``headline`` is the one sentence for who reads no further, and the subject of the e-mail.
    """

    name: str
    project: str
    scope: str
    first: date
    last: date
    made_at: datetime
    headline: str
    sections: tuple[Section, ...]
    silent: tuple[str, ...] = ()
    """Titles of parts that had nothing to say."""
    version: int = VERSION

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say: it is one line then."""
        return not self.sections

    @property
    def period(self) -> str:
        """Its days in words."""
        if self.first == self.last:
            return f"{self.last:%-d %b %Y}"
        return f"{self.first:%-d %b %Y} to {self.last:%-d %b %Y}"

    @property
    def subject(self) -> str:
        """The subject of the e-mail: one line."""
        return " ".join(f"[{self.project}] {self.name}: {self.headline}".split())

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON can hold it, all texts made harmless."""
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        made: dict[str, Any] = _inert(asdict(self) | days | {"made_at": self.made_at.isoformat()})
        return made

    @classmethod
    def of_document(cls, found: Mapping[str, Any]) -> Self:
        """Return the report that JSON kept."""
        made = {
            "first": date.fromisoformat(found["first"]),
            "last": date.fromisoformat(found["last"]),
            "made_at": datetime.fromisoformat(found["made_at"]),
            "sections": tuple(map(Section.of_document, found["sections"])),
            "silent": tuple(found["silent"]),
        }
        return cls(**dict(found) | made)


def _inert(value: Any) -> Any:
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, Mapping):
        return {key: _inert(part) for key, part in value.items()}
    return [_inert(part) for part in value] if isinstance(value, list | tuple) else value


def inert(text: str) -> str:
    """Return a text as one line that cannot steer: no control, no sign that turns a direction.

    Of a long one the beginning.
    """
    line = " ".join(text.split())
    plain = "".join(sign for sign in line if unicodedata.category(sign) not in {"Cc", "Cf", "Cs"})
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
