"""A report as PDF, with the same pictures as in the e-mail."""

import io
from collections.abc import Iterable

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Image

from buildinsights.pdf import (
    CELL,
    GREY,
    HEADER,
    HEADING,
    NOTE,
    NUMBER,
    TITLE,
    document,
    table_of,
    text_of,
)
from reports.scheduled.drawing import HEIGHT, WIDTH, png_of
from reports.scheduled.optimisation import Cell, Optimisation, Section, Table

PICTURE_WIDTH = 170 * mm
UNDER = ParagraphStyle("under", parent=CELL, fontSize=6.5, leading=8, textColor=GREY)
UNDER_NUMBER = ParagraphStyle("under-number", parent=UNDER, alignment=NUMBER.alignment)
TABLE_TITLE = ParagraphStyle("table-title", parent=HEADER, spaceBefore=6, keepWithNext=1)
FIRST_WIDTH, NUMBER_WIDTH, TEXT_WIDTH = 34, 14, 20
"""Of the first column, of numbers, of all else; they share the page by these."""


def as_pdf(report: Optimisation) -> bytes:
    """Return the report as PDF; the same report is the same bytes."""
    parts = [*_head(report), *(part for section in report.sections for part in _section(section))]
    if report.silent and not report.is_quiet:
        parts.append(text_of(f"Nothing to tell: {', '.join(report.silent)}.", NOTE))
    return document(f"{report.name}, {report.project}", parts)


def _head(report: Optimisation) -> Iterable[Flowable]:
    yield text_of(f"{report.project}: {report.name}", TITLE)
    made = f"{report.made_at:%-d %b %Y %H:%M} UTC"
    yield text_of(f"{report.period}. About {report.scope}. Made {made}.", NOTE)
    yield text_of(f"{report.headline[:1].upper()}{report.headline[1:]}.")


def _section(section: Section) -> Iterable[Flowable]:
    yield text_of(section.title, HEADING)
    for words in filter(None, (section.error, section.lead)):
        yield text_of(words)
    if section.chart:
        yield text_of(f"{section.chart.words}.", NOTE)
        if picture := png_of(section.chart):
            height = PICTURE_WIDTH * HEIGHT / WIDTH
            yield Image(io.BytesIO(picture), PICTURE_WIDTH, height, mask="auto", hAlign="LEFT")
    for found in section.tables:
        if not found.rows:
            continue
        if found.title:
            yield text_of(found.title, TABLE_TITLE)
        yield _table(found)
    for note in section.notes:
        yield text_of(note, NOTE)


def _table(found: Table) -> Flowable:
    first, *others = found.columns
    widths = [-NUMBER_WIDTH if column.is_number else TEXT_WIDTH for column in others]
    rows = [
        [_cell(cell, column.is_number) for cell, column in zip(row, found.columns, strict=True)]
        for row in found.rows
    ]
    return table_of([first.label, *(c.label for c in others)], [FIRST_WIDTH, *widths], rows)


def _cell(cell: Cell, is_number: bool) -> list[Flowable]:  # a column's own flag
    verdict = f" ({cell.verdict})" if cell.verdict in {"better", "worse"} else ""
    parts: list[Flowable] = [text_of(f"{cell.text}{verdict}", NUMBER if is_number else CELL)]
    if cell.note:
        parts.append(text_of(cell.note, UNDER_NUMBER if is_number else UNDER))
    return parts
