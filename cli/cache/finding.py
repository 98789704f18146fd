"""What an invalidation would remove of the builder, by the local records of this directory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from buildkit.caching.invalidating import with_dependents
from buildkit.caching.matching import Recorded, made_by
from buildkit.caching.pruning import leaves_first
from buildkit.caching.usage import Entry
from buildkit.model import Step
from cli.cache.recorded import recorded_builds


@dataclass(frozen=True, slots=True)
class Found:
    """The entries that go, leaf first; in words what was not found; the steps that are meant."""

    entries: tuple[Entry, ...] = ()
    unmapped: tuple[str, ...] = ()
    steps: tuple[Recorded, ...] = ()


def find(
    targets: Sequence[str], is_meant: Callable[[Step], bool], entries: Sequence[Entry]
) -> Found:
    """Find what the steps of targets that are meant, and those that need them, have made."""
    steps = [
        step
        for target, build, _ in recorded_builds(str(Path.cwd()))
        if target in targets
        for step in with_dependents(target, build, is_meant)
    ]
    made = made_by(entries, steps)
    mapped = {item.step.identity for same in made.values() for item in same}
    unmapped = tuple(_unmapped(targets, steps, mapped))
    return Found(leaves_first(entries, made), unmapped, tuple(steps))


def _unmapped(targets: Sequence[str], steps: Sequence[Recorded], mapped: set[str]) -> list[str]:
    """Say of which targets nothing is meant, and which steps have left nothing that was found."""
    silent = set(targets) - {item.target for item in steps}
    lines = [f"{target}: no step of a local record is meant" for target in sorted(silent)]
    names = {
        item.step.identity: f"{item.target}: {item.step.name}"
        for item in steps
        if item.step.identity not in mapped
    }
    return lines + [f"{name}: the builder has nothing that it made" for name in names.values()]
