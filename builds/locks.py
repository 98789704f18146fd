"""Locks by which workers keep out of each other's way, for the length of a transaction."""

import zlib

from django.db import connection


def try_lock(namespace: int, *names: object) -> bool:
    """Take the lock of what ``names`` name, and tell whether nobody else has it.

    ``namespace`` is the first key of PostgreSQL's two-key advisory locks, one for each kind of
    work. Two names that share the second key, a checksum, only wait for each other.
    """
    key = zlib.crc32(" ".join(map(str, names)).encode()) - 2**31
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [namespace, key])
        return bool(cursor.fetchone()[0])
