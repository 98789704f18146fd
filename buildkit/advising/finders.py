"""All finders of advice, in the order in which they claim runs."""

from collections.abc import Callable, Iterator, Sequence

from buildkit.advising import arguments, ignoring, installing, mounting, ordering
from buildkit.advising.finding import Finding, Known
from buildkit.advising.history import Seen

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


def changed_in(builds: Sequence[Seen]) -> frozenset[str]:
    """Return the arguments whose change made steps of some build run."""
    return frozenset(name for one in builds for name in arguments.changed_arguments(one))
