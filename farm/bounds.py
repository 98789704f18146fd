"""What bounds a child: it does not outlive its parent, nor take all memory of the machine."""

import resource
import signal

from buildkit.processes import dying_with_parent

DATA_BYTES = 4 * 1024**3
"""Memory of its own that a process may have: Bake evaluates, and Git unpacks, what others made."""

_die_with_parent = dying_with_parent(signal.SIGTERM)


def keep_bounds() -> None:
    """Set the bounds, in a child before its program; its own children inherit those of memory.

    SIGTERM, which the kernel sends when the parent is gone, ends Git; the command passes it on to
    Bake as its cancellation, so that BuildKit stops as well.
    """
    _die_with_parent()
    _set_at_most(resource.RLIMIT_DATA, DATA_BYTES)
    _set_at_most(resource.RLIMIT_CORE, 0)


def _set_at_most(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > most:
        resource.setrlimit(kind, (most, most))
