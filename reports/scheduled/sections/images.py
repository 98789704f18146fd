"""The largest images at the end of the period, and those that grew most in it."""

from typing import Any

from django.urls import reverse

from buildinsights.templatetags.formats import counted, filesize, signed_filesize, signed_ratio
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import cell, written
from sizes.growth import NOTABLE_SHARE
from sizes.images_page import line_of
from sizes.models import InstructionSize, SizedImage

MOST = 4
COLUMNS = (
    Column("image", "Image"),
    Column("size_bytes", "Size", is_number=True),
    Column("growth_bytes", "Grew", is_number=True),
)


def images(scope: Scope) -> Section | None:
    """Return it; ``None`` if no image was made in the period."""
    stairs = InstructionSize.objects.filter(service__in=scope.service_ids).standing()
    newest = SizedImage.objects.newest_of(stairs, scope.until).told(scope.since)
    lines = [line_of(row) for row in newest.order_by("-size_bytes", "pk")]
    if not any(line["row"].at >= scope.since for line in lines):
        return None
    grown = [line for line in lines if (line["ratio"] or 0) >= NOTABLE_SHARE]
    grown.sort(key=lambda line: (-line["growth_bytes"], line["row"].pk))
    tables = [Table("Largest", COLUMNS, tuple(_row(line) for line in lines[:MOST]))]
    if grown:
        tables.append(Table("Grew most", COLUMNS, tuple(_row(line) for line in grown[:MOST])))
    more = sum(line["growth_bytes"] for line in grown)
    told = f"{len(grown)} of {counted(len(lines), 'image')} grew"
    return Section(
        lead=f"{told}, by {filesize(more)} in all." if grown else f"{told}.",
        tables=tuple(tables),
        path=reverse("sizes:images", args=[scope.project.slug]),
    )


def _verdict(ratio: float | None) -> str:
    """Judge growth; archives differ by some bytes, which is none."""
    if ratio is None or abs(ratio) < NOTABLE_SHARE:
        return ""
    return "worse" if ratio > 0 else "better"


def _row(line: dict[str, Any]) -> tuple[Cell, ...]:
    row, growth = line["row"], line["growth_bytes"]
    tools = f"; development tools: {', '.join(line['tools'])}" if line["tools"] else ""
    return (
        Cell(
            row.service.name,
            row.service.name,
            note=f"{row.group}{tools}",
            path=reverse("sizes:image", args=[row.service.project.slug, row.image.digest]),
        ),
        cell(filesize, row.size_bytes),
        cell(
            signed_filesize,
            growth,
            note=written(signed_ratio, line["ratio"]) if growth else "",
            verdict=_verdict(line["ratio"]),
        ),
    )
