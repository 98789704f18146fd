"""The vulnerability assessment as PDF: text that can be searched, and nothing of it is markup."""

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

from reports.assessment import Assessment, ImageLine

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


def as_pdf(found: Assessment) -> bytes:
    """Return the report as PDF; the same report is the same bytes."""
    _fonts()
    page = io.BytesIO()
    document = SimpleDocTemplate(
        page,
        pagesize=landscape(A4),
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"Vulnerability assessment of {found.project}",
        invariant=1,
    )
    parts = [*_summary(found), *_how(found), *_severities(found), *_findings(found)]
    parts += [*_waivers(found), *_images(found)]
    document.build(parts, onFirstPage=_foot, onLaterPages=_foot)
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
    text = CONTROLS.sub("", str(value))
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Cf", "Cs"))
    told = "".join(f"[U+{ord(sign):04X}]" if _font_of(sign) is None else sign for sign in text)
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


def _text(value: object, style: ParagraphStyle = BODY) -> Paragraph:
    return Paragraph(_inert(value), style)


def _table(
    heads: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[object]]
) -> Flowable:
    """Return a table whose columns share the page by ``widths``; of numbers these are negative."""
    total = sum(abs(width) for width in widths)
    cells = [
        [
            _text(head, NUMBER_HEADER if width < 0 else HEADER)
            for head, width in zip(heads, widths, strict=True)
        ]
    ]
    cells += [
        [
            _text(value, NUMBER if width < 0 else CELL)
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


def _summary(found: Assessment) -> Iterable[Flowable]:
    scope = f"{found.service or 'all services'}, {found.environment or 'all environments'}"
    yield _text(f"Vulnerability assessment of {found.project}", TITLE)
    period = f"{_day(found.first)} to {_day(found.last)}"
    made = f"{found.made_at:%-d %b %Y %H:%M} UTC"
    yield _text(f"Scope: {scope}. Period: {period}. Made {made}.", NOTE)
    median = "not told, over half are open" if found.median_days is None else found.median_days
    yield _text(
        f"{found.open} findings are open, {found.overdue} of them overdue;"
        f" {found.due_in_a_week} more are due within a week."
        f" {found.fixed} were fixed in the period. Median days until a fix: {median}."
        f" {found.waived} are waived, {found.not_affected} are stated as not affected."
    )


def _how(found: Assessment) -> Iterable[Flowable]:
    had = found.coverage
    yield _text("How it was made", HEADING)
    yield _text(
        f"Newest images: {had['images']}. Scanned: {had['scanned']}. Pass their policy:"
        f" {had['passed']}. Signed and trusted: {had['trusted']}. With an SBOM:"
        f" {had['with_sbom']}. Inspected: {had['inspected']}."
    )
    for item in found.scanners:
        yield _text(
            f"{item.name} {item.version or 'of a version that is not said'}, newest images:"
            f" {item.images}, the oldest scan of"
            f" {_day(item.oldest_scan)}, the oldest database of"
            f" {_day(item.oldest_database) if item.oldest_database else 'a day that is not said'}."
        )
    if found.not_scanned:
        yield _text(f"Not scanned: {', '.join(found.not_scanned)}.")


def _severities(found: Assessment) -> Iterable[Flowable]:
    heads = ("Severity", "Open", "Overdue", "Came", "Came back", "Gone", "Change", "Days to a fix")
    yield _text("By severity", HEADING)
    yield _table(
        heads,
        (20, *[-10] * 7),
        [
            (
                line.severity,
                line.open,
                line.overdue,
                line.came,
                line.back,
                line.went,
                line.change,
                "–" if line.median_days is None else line.median_days,
            )
            for line in found.severities
        ],
    )


def _findings(found: Assessment) -> Iterable[Flowable]:
    yield _text("Open findings", HEADING)
    if found.left_off:
        listed = len(found.findings)
        yield _text(f"The worst {listed}; {found.left_off} more are in the CSV.", NOTE)
    heads = ("Severity", "Finding", "Where", "Service", "From", "Fixed in", "First seen", "Due")
    yield (
        _table(
            heads,
            (10, 20, 32, 16, 12, 16, -12, -14),
            [
                (
                    line.severity,
                    line.name,
                    line.where,
                    line.service,
                    line.origin or "–",
                    line.fixed_version or "–",
                    _day(line.first_seen_at),
                    (_day(line.due_at) if line.due_at else "–")
                    + (" overdue" if line.is_overdue else ""),
                )
                for line in found.findings
            ],
        )
        if found.findings
        else _text("None.")
    )


def _waivers(found: Assessment) -> Iterable[Flowable]:
    yield _text("Waivers in force", HEADING)
    yield (
        _table(
            ("What", "Covers", "Why", "Asked for by", "Approved by", "Until"),
            (18, 26, 40, 12, 18, -12),
            [
                (
                    line.name,
                    line.covers,
                    f"{line.kind}: {line.reason}",
                    line.requested_by,
                    f"{line.approved_by}, {_day(line.approved_at)}",
                    _day(line.expires_at),
                )
                for line in found.waivers
            ],
        )
        if found.waivers
        else _text("None.")
    )


def _images(found: Assessment) -> Iterable[Flowable]:
    yield _text("Newest images", HEADING)
    yield (
        _table(
            ("Image", "Digest", "Verdict", "Signature", "SBOM", "Checks failing", "Scanned"),
            (26, 26, 40, 14, 8, -10, -12),
            [_image(line) for line in found.images],
        )
        if found.images
        else _text("No build has made an image yet.")
    )


TRUSTED = {True: "trusted", False: "not trusted", None: "not verified"}


def _image(line: ImageLine) -> Sequence[object]:
    verdict = f"{line.verdict} by {line.policy}. {line.reason}" if line.verdict else "not asked"
    return (
        line.name,
        line.digest,
        verdict,
        TRUSTED[line.is_trusted],
        "yes" if line.has_sbom else "none",
        "not inspected" if line.failing_checks is None else line.failing_checks,
        _day(line.scanned_at) if line.scanned_at else "never",
    )


def _day(when: date) -> str:
    return f"{when:%-d %b %Y}"


def _foot(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(PLAIN, 7)
    canvas.setFillColor(GREY)
    canvas.drawRightString(MARGIN + WIDTH, MARGIN / 2, f"Page {document.page}")
    canvas.restoreState()
