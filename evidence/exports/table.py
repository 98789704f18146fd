"""The trail for spreadsheets: to be read, not to be proved."""

import json
from collections.abc import Iterator

from audit.chain import HASHED_FIELDS
from buildinsights.csv import lines
from evidence.exports.selection import Selection

COLUMNS = tuple(dict.fromkeys(("sequence", "occurred_at", *HASHED_FIELDS, "hash")))


def table_of(selection: Selection) -> Iterator[str]:
    """Yield the CSV line by line."""
    rows = (
        event | {"changes": json.dumps(event["changes"], ensure_ascii=False)}
        for event in selection.documents()
    )
    return lines(COLUMNS, rows)
