"""Tables as CSV, for whoever draws them elsewhere."""

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the start of a formula."""


class GroupsAsCSV(BaseRenderer):
    """The rows of one part of an answer, ``key``; an error's one row."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"
    key = "groups"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the table, with a header of the names of its columns."""
        if "errors" in data:
            return table(data["errors"])
        return table(self.rows(data, (renderer_context or {})["request"]))

    def rows(self, data: Mapping[str, Any], request: Request) -> Any:
        """Return the rows of the table."""
        return data[self.key]


class ChosenAsCSV(GroupsAsCSV):
    """The rows of the part that ``table`` in the query names, of ``tables``; or else of the first.

    Its view calls ``asked`` before it answers, while a wrong name can still be told as a 400.
    """

    tables: ClassVar[tuple[str, ...]] = ()

    def rows(self, data: Mapping[str, Any], request: Request) -> Any:
        """Return the rows that are asked for."""
        return data[self.asked(request)]

    @classmethod
    def asked(cls, request: Request) -> str:
        """Return the name of the part that is asked for."""
        name = request.query_params.get("table") or cls.tables[0]
        if name not in cls.tables:
            raise ValidationError({"table": [f"Must be one of {', '.join(cls.tables)}."]})
        return name

    @classmethod
    def parameter(cls) -> OpenApiParameter:
        """Describe ``table``."""
        return OpenApiParameter("table", str, enum=cls.tables, description="Rows of the CSV.")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of the same columns as CSV; what is not known is empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table as CSV line by line, its header first: for more rows than one answer holds."""
    text = io.StringIO()
    writer = csv.writer(text)
    for cells in itertools.chain(
        [columns], ([_cell(row[name]) for name in columns] for row in rows)
    ):
        writer.writerow(cells)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _cell(value: Any) -> Any:
    """Keep texts that others chose from being run as formulas."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
