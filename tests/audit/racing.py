"""Processes at once: threads with a connection of their own, and waiting until one waits."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection

PATIENCE_SECONDS = 30


@contextmanager
def another_process() -> Iterator[Callable[[Callable[[], object]], Future[object]]]:
    """Yield what begins work in another thread; its connection is closed after it."""

    def closing(work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        yield lambda work: pool.submit(closing, work)


def until_one_waits() -> None:
    """Return when a connection to this database waits for a lock."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees the same
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")
