"""Which days' sums are to be made again: noted by whatever changes a build, in its transaction."""

from datetime import UTC, date, datetime

from django.db import connection

MARK = """
INSERT INTO cache_staleday (service_id, day, version) VALUES (%s, %s, 1)
ON CONFLICT (service_id, day) DO UPDATE SET version = cache_staleday.version + 1
"""


def day_of(moment: datetime) -> date:
    """Return the day, in UTC, that a build counts to."""
    return moment.astimezone(UTC).date()


def mark(service_id: int, day: date) -> None:
    """Have the sums of a service's day made again."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, [service_id, day])
