"""Tables as CSV, for whoever draws them elsewhere."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the start of a formula."""


class GroupsAsCSV(BaseRenderer):
    """The rows of one part of an answer, ``key``; an error's one row."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"
    key = "groups"

    def render(self, data: Any, *_: Any, **__: Any) -> str:
        """Return the table, with a header of the names of its columns."""
        rows = data[self.key] if self.key in data else data.get("errors", [])
        return table(rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows of the same columns as CSV; what is not known is empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Keep texts that others chose from being run as formulas."""
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
