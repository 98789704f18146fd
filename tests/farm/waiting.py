"""Waiting in tests for what happens elsewhere."""

import time
from collections.abc import Callable

import psutil


def eventually(is_so: Callable[[], object], seconds: float = 10) -> bool:
    """Tell whether something becomes so before the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.05)
    return False


def is_running(number: int) -> bool:
    """Tell whether there is a process of that number that has not ended."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
