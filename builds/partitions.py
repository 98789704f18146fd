"""Monthly partitions of the step table."""

from datetime import date, datetime

from django.db import connection
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
    """Create the partition of ``month`` unless it exists.

    Attached rather than created in place: that leaves readers and writers of the other
    partitions alone. What exists is remembered for the life of the process only once committed
    work has used it, because the creating transaction may still be rolled back.
    """
    if month in _known:
        return
    name = f"{PARENT}_{month:%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        row = cursor.fetchone()
        if row and row[0]:
            _known.add(month)
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
        row = cursor.fetchone()
        if row and row[0]:
            return
        identifiers = {"name": sql.Identifier(name), "parent": sql.Identifier(PARENT)}
        cursor.execute(
            sql.SQL("CREATE TABLE {name} (LIKE {parent} INCLUDING ALL)").format(**identifiers)
        )
        cursor.execute(
            sql.SQL(
                "ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})"
            ).format(
                start=sql.Literal(month.isoformat()),
                end=sql.Literal(next_month(month).isoformat()),
                **identifiers,
            )
        )
