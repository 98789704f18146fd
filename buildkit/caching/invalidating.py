"""Which steps of recorded builds an invalidation is about."""

from collections.abc import Callable
from dataclasses import dataclass

from buildkit.caching.matching import Recorded
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
        if self.from_step.isdigit():
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
