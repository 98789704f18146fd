"""A child that does not outlive its parent, however that ends."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent is gone, SIGKILL included (Linux only).

    The command passes it on to Bake as its cancellation, so that BuildKit stops as well.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
