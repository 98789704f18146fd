"""Processes of a build, found by the environment that they have inherited.

Whoever loses his parent is adopted by another; the environment stays what it was.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

HOME_VARIABLE = "BUILDINSIGHTS_HOME"
ROUNDS = 10
ROUND_SECONDS = 1.0


def processes_of(home: Path) -> Iterator[psutil.Process]:
    """Yield what was started, by whomever, with that directory for its records."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(HOME_VARIABLE) == str(home):
                yield process


def end_all(home: Path) -> None:
    """Kill them; again, as one may have started another meanwhile."""
    for _ in range(ROUNDS):
        left = list(processes_of(home))
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=ROUND_SECONDS)
