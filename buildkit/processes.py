"""Processes that do not outlive the one that started them, however that ends."""

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what a child runs first so that the kernel sends it a signal when its parent is gone.

    SIGKILL of the parent included; Linux only, elsewhere it does nothing. The parent is the thread
    that starts the child.
    """

    # Looked up here: a child that was forked beside threads must not load anything.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, number)

    return die_with_parent
