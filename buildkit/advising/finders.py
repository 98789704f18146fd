"""All finders of advice, in the order in which they claim runs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from buildkit.advising import arguments, ignoring, installing, mounting, ordering
from buildkit.advising.finding import Finding, Known
from buildkit.advising.history import Seen
from buildkit.explaining import Cause

_FINDERS: tuple[Callable[[Seen, Known], Iterator[Finding]], ...] = (
    installing.find,
    arguments.find,
    ignoring.find,
    ordering.find,
    mounting.find,
)


def findings(one: Seen, known: Known) -> Iterator[Finding]:
    """Yield what could be changed of a Dockerfile."""
    for find in _FINDERS:
        yield from find(one, known)


def known_of(builds: Sequence[Seen]) -> Known:
    """Return what finders have to know of all builds: what changes."""
    changed = frozenset(name for one in builds for name in arguments.changed_arguments(one))
    copied = Counter(
        item.normalised
        for one in builds
        for item in one.dockerfile.instructions
        if one.positions_of([item], Cause.FILES)
    )
    return Known(changed, copied)
