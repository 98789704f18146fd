"""Which steps of recorded builds an invalidation is about, and what it removes of a builder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from buildkit.caching.matching import Recorded, made_by
from buildkit.caching.pruning import leaves_first
from buildkit.caching.usage import Entry
from buildkit.model import CACHEABLE_KINDS, Build, Step
from buildkit.steps import parse_name


@dataclass(frozen=True, slots=True)
class Choice:
    """The steps that are meant: of a stage, from a step on, or all.

    ``from_step`` is the number that BuildKit gives a step in its stage, or a part of its name.
    """

    stage: str = ""
    from_step: str = ""

    def has(self, step: Step) -> bool:
        """Tell whether a step is one of them."""
        if self.stage and step.stage.lower() != self.stage.lower():
            return False
        if not self.from_step:
            return True
        if self.from_step.isdecimal():
            return parse_name(step.name).number == int(self.from_step)
        return self.from_step in step.name


def with_dependents(
    target: str, build: Build, is_meant: Callable[[Step], bool]
) -> tuple[Recorded, ...]:
    """Return the cacheable steps that are meant, and all of the build that need them."""
    chosen: set[int] = set()
    for step in build.steps:
        is_cacheable = step.kind in CACHEABLE_KINDS
        if (is_cacheable and is_meant(step)) or chosen.intersection(step.inputs):
            chosen.add(step.position)
    return tuple(
        Recorded(target, build, step)
        for step in build.steps
        if step.position in chosen and step.kind in CACHEABLE_KINDS
    )


@dataclass(frozen=True, slots=True)
class Found:
    """The entries that go, leaf first; in words what was not found; the steps that are meant."""

    entries: tuple[Entry, ...] = ()
    unmapped: tuple[str, ...] = ()
    steps: tuple[Recorded, ...] = ()


def find(
    builds: Iterable[tuple[str, Build]],
    targets: Sequence[str],
    is_meant: Callable[[Step], bool],
    entries: Sequence[Entry],
) -> Found:
    """Find what the steps of targets that are meant, and those that need them, have made.

    ``builds`` are recorded ones with their targets.
    """
    steps = [
        step
        for target, build in builds
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
    lines = [f"{target}: no step on record is meant" for target in sorted(silent)]
    names = {
        item.step.identity: f"{item.target}: {item.step.name}"
        for item in steps
        if item.step.identity not in mapped
    }
    return lines + [f"{name}: the builder has nothing that it made" for name in names.values()]
