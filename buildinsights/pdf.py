"""Documents as PDF: text that can be searched, and nothing of it is markup."""

import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

LONGEST = 300
"""Characters of one text: a row has to fit on a page. JSON and CSV have all of it."""

PLAIN, BOLD = "Plain", "Bold"
FILES = {PLAIN: ("DejaVuSans.ttf", "Vera.ttf"), BOLD: ("DejaVuSans-Bold.ttf", "VeraBd.ttf")}
"""Vera comes with the library, and has Latin letters alone."""

OTHERS = {"STSong-Light": "gb2312", "HYSMyeongJo-Medium": "euc_kr"}
"""Fonts for what Latin ones lack, each with the encoding that tells what it has: the first Chinese,
Japanese syllables, Greek and Cyrillic, the second Korean."""

MARGIN = 14 * mm
WIDTH = landscape(A4)[0] - 2 * MARGIN
LINE = colors.HexColor("#c8ccd2")
HEAD = colors.HexColor("#eef0f3")
GREY = colors.HexColor("#5b6470")


def document(title: str, parts: Iterable[Flowable]) -> bytes:
    """Return pages with those parts; the same parts are the same bytes."""
    page = io.BytesIO()
    template = SimpleDocTemplate(
        page,
        pagesize=landscape(A4),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        invariant=1,
    )
    template.build(list(parts), onFirstPage=_foot, onLaterPages=_foot)
    return page.getvalue()


@cache
def _fonts() -> None:
    """Register fonts: DejaVu with its many scripts where the system has it, or what we bring.

    Others, of which no file is needed, are drawn with what readers have.
    """
    for name, (wide, own) in FILES.items():
        try:
            pdfmetrics.registerFont(TTFont(name, wide))
        except TTFError:
            pdfmetrics.registerFont(TTFont(name, own))
    for name in OTHERS:
        pdfmetrics.registerFont(UnicodeCIDFont(name))


TITLE = ParagraphStyle("title", fontName=BOLD, fontSize=16, leading=20, spaceAfter=2 * mm)
HEADING = ParagraphStyle(
    "heading", fontName=BOLD, fontSize=11, leading=14, spaceBefore=6 * mm, spaceAfter=2 * mm
)
BODY = ParagraphStyle("body", fontName=PLAIN, fontSize=8.5, leading=11)
NOTE = ParagraphStyle("note", parent=BODY, textColor=GREY, spaceAfter=2 * mm)
CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=7.5, leading=9.5, splitLongWords=1)
NUMBER = ParagraphStyle("number", parent=CELL, alignment=TA_RIGHT)
HEADER = ParagraphStyle("header", parent=CELL, fontName=BOLD)
NUMBER_HEADER = ParagraphStyle("number-header", parent=HEADER, alignment=TA_RIGHT)

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def _inert(value: object) -> str:
    """Return a text that is shown as it is: no markup, nothing that turns its direction."""
    plain = CONTROLS.sub("", str(value))
    plain = "".join(sign for sign in plain if unicodedata.category(sign) not in ("Cf", "Cs"))
    told = "".join(f"[U+{ord(sign):04X}]" if _font_of(sign) is None else sign for sign in plain)
    shown = told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"
    return "".join(_set_in(font, "".join(signs)) for font, signs in groupby(shown, _font_of))


def _font_of(sign: str) -> str | None:
    """Return the font that has a sign: ``""`` is that of the text itself, ``None`` if none has."""
    if ord(sign) in pdfmetrics.getFont(PLAIN).face.charToGlyph:
        return ""
    return next((name for name, known in OTHERS.items() if _is_in(sign, known)), None)


def _is_in(sign: str, encoding: str) -> bool:
    try:
        sign.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _set_in(font: str | None, signs: str) -> str:
    return f'<font name="{font}">{escape(signs)}</font>' if font else escape(signs)


def text_of(value: object, style: ParagraphStyle = BODY) -> Paragraph:
    """Return a paragraph of what may be anybody's text."""
    _fonts()
    return Paragraph(_inert(value), style)


def table_of(
    heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[object]]
) -> Flowable:
    """Return a table whose columns share the page by ``widths``; of numbers these are negative.

    A value that is a list is one of flowables.
    """
    total = sum(abs(width) for width in widths)
    cells = [
        [
            text_of(head, NUMBER_HEADER if width < 0 else HEADER)
            for head, width in zip(heads, widths, strict=True)
        ]
    ]
    cells += [
        [
            value if isinstance(value, list) else text_of(value, NUMBER if width < 0 else CELL)
            for value, width in zip(row, widths, strict=True)
        ]
        for row in rows
    ]
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), HEAD),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    columns = [WIDTH * abs(width) / total for width in widths]
    return Table(cells, columns, repeatRows=1, style=TableStyle(style))


def day(when: date) -> str:
    """Write a day."""
    return f"{when:%-d %b %Y}"


def _foot(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(PLAIN, 7)
    canvas.setFillColor(GREY)
    canvas.drawRightString(MARGIN + WIDTH, MARGIN / 2, f"Page {document.page}")
    canvas.restoreState()
