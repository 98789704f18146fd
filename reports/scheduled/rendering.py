"""A report as HTML and plain text for e-mails, and as rows for spreadsheets."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from django.template.loader import render_to_string

from reports.scheduled.links import absolute
from reports.scheduled.optimisation import Cell, Optimisation, Section, Table

COLUMNS = ("section", "table", "row", "item", "quantity", "value", "shown", "note")
"""Of the CSV: a line for each cell but the first of its row, which names the item."""

WIDTH = 78


def as_html(
    report: Optimisation, pictures: Mapping[str, str], links: Mapping[str, str] | None = None
) -> str:
    """Return the HTML of the e-mail; ``pictures`` are addresses of charts by part.

    ``links`` are ``page`` and ``unsubscribe``, where there are such.
    """
    context = {
        "report": report,
        "parts": [_part(section, pictures) for section in report.sections],
        "links": links or {},
    }
    return render_to_string("emails/report.html", context)


def _part(section: Section, pictures: Mapping[str, str]) -> dict[str, Any]:
    return {
        "section": section,
        "href": absolute(section.path),
        "picture": pictures.get(section.key, ""),
        "tables": [
            {
                "table": table,
                "rows": [
                    [
                        {"cell": cell, "href": absolute(cell.path), "column": column}
                        for cell, column in zip(row, table.columns, strict=True)
                    ]
                    for row in table.rows
                ],
            }
            for table in section.tables
        ],
    }


def as_text(report: Optimisation, links: Mapping[str, str] | None = None) -> str:
    """Return the same as plain text."""
    lines = list(_head(report))
    for section in report.sections:
        lines += ["", *_section(section)]
    if report.silent and not report.is_quiet:
        lines += ["", *_wrapped(f"Nothing to tell: {', '.join(report.silent)}.")]
    lines += ["", "-- "]
    if links:
        lines += [f"On the web: {links['page']}", f"Unsubscribe: {links['unsubscribe']}"]
    return "\n".join(lines) + "\n"


def _head(report: Optimisation) -> Iterator[str]:
    if report.is_quiet:
        yield f"{report.project}, {report.name}, {report.period}: {report.headline}."
        return
    yield f"{report.project}: {report.name}"
    yield f"{report.period}; {report.scope}"
    yield ""
    yield from _wrapped(f"{report.headline}.")


def _section(section: Section) -> Iterator[str]:
    yield section.title.upper()
    yield "=" * len(section.title)
    for words in filter(None, (section.error, section.lead)):
        yield from _wrapped(words)
    if section.chart:
        yield from _wrapped(f"{section.chart.words}.")
    for table in section.tables:
        yield ""
        yield from _table(table)
    if section.notes:
        yield ""
    for note in section.notes:
        yield from _wrapped(note)
    if section.path:
        yield absolute(section.path)


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"{table.title}:"
    for row in table.rows:
        first, *others = row
        yield from _wrapped(f"* {_said(first)}", "  ")
        told = [
            f"{column.label}: {_said(cell)}"
            for column, cell in zip(table.columns[1:], others, strict=True)
            if cell.text
        ]
        if told:
            yield from _wrapped("  " + "; ".join(told), "  ")
        for cell in row:
            if cell.path:
                yield f"  {absolute(cell.path)}"


def _said(cell: Cell) -> str:
    verdict = f" [{cell.verdict}]" if cell.verdict in {"better", "worse"} else ""
    note = f" ({cell.note})" if cell.note else ""
    return f"{cell.text}{verdict}{note}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def as_rows(report: Optimisation) -> Iterator[dict[str, Any]]:
    """Yield ``COLUMNS`` of each cell; of a part that could not be made its error."""
    for section in report.sections:
        if section.error:
            yield dict.fromkeys(COLUMNS) | {"section": section.key, "note": section.error}
        for table in section.tables:
            for number, row in enumerate(table.rows, start=1):
                for column, cell in list(zip(table.columns, row, strict=True))[1:]:
                    yield {
                        "section": section.key,
                        "table": table.title,
                        "row": number,
                        "item": row[0].text,
                        "quantity": column.name,
                        "value": cell.value,
                        "shown": cell.text,
                        "note": cell.note,
                    }
