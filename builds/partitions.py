"""Monthly partitions of the step table."""

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from psycopg import sql

PARENT = "builds_step"
LOCK_KEY = 0x73746570  # the letters "step"

_known: set[date] = set()


def month_of(moment: datetime) -> date:
    """Return the first day of the month, in UTC, that ``moment`` falls into."""
    return moment.date().replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def ensure_partition(month: date) -> None:
    """Create the partition of ``month`` unless it exists; must run inside a transaction.

    Attached rather than created in place: that leaves readers and writers of the other
    partitions alone. A partition is remembered for the life of the process only after the
    transaction that saw it was committed: before that it may still be rolled back.
    """
    if month in _known:
        return
    name = f"{PARENT}_{month:%Y_%m}"
    with connection.cursor() as cursor:
        if not _exists(cursor, name):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
            if not _exists(cursor, name):
                _create(cursor, name, month)
    transaction.on_commit(lambda: _known.add(month))


def _exists(cursor: Any, name: str) -> bool:
    """Look into the catalog itself: ``to_regclass`` remembers that a table was not there."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = %s::regclass AND relname = %s)",
        [PARENT, name],
    )
    return bool(cursor.fetchone()[0])


def _create(cursor: Any, name: str, month: date) -> None:
    names = {"name": sql.Identifier(name), "parent": sql.Identifier(PARENT)}
    bounds = {
        "start": sql.Literal(month.isoformat()),
        "end": sql.Literal(next_month(month).isoformat()),
    }
    cursor.execute(sql.SQL("CREATE TABLE {name} (LIKE {parent} INCLUDING ALL)").format(**names))
    attach = "ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
    cursor.execute(sql.SQL(attach).format(**names, **bounds))
