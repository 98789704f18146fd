"""Steps that run because of a ``COPY`` above them whose files they do not need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.commands import is_of_system
from buildkit.advising.editing import edited, with_comments
from buildkit.advising.finding import (
    Known,
    directories,
    key_of,
    overlaps,
    place_of,
    resolved,
    seconds_of,
    sources_of,
    stage_of,
)
from buildkit.advising.history import Seen, is_same, spared
from buildkit.advising.moving import defined, might_use
from buildkit.dockerfile import Instruction, Stage
from buildkit.explaining import Cause

_HARMLESS = frozenset(
    {
        *("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"),
        "WORKDIR",
    }
)
_OWN = ("/app", "/src", "/srv", "/code", "/workspace", "/work", "/home", "/project", "/usr/src")
"""Directories in which no package of a system puts, or reads, anything."""

LOOK = "Look whether the packages are set up by something that is copied above."


@dataclass(frozen=True, slots=True)
class LowStep:
    """A step, and what of the context is copied above it although it needs none of that."""

    proposal: Proposal
    moved: Instruction
    above: tuple[Instruction, ...]

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return its runs in chains that began with what would be below it."""
        reasons = one.observed.explanation.reasons
        heads = one.positions_of(self.above, Cause.FILES)
        seeds = heads | {
            position
            for position in one.positions_of(self.above)
            if reasons[position].first in heads
        }
        found = spared(one, seeds, lambda step: is_same(one, step))
        return seconds_of(one, (found - seeds) & one.positions_of([self.moved]))

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the step stands above what it was below."""
        items = stage_of(one.dockerfile, self.proposal.stage)
        at = place_of(items, self.moved.normalised)
        below = {item.normalised for item in items[at:]} if at is not None else set()
        return all(item.normalised in below for item in self.above)


def find(one: Seen, known: Known) -> Iterator[LowStep]:
    """Yield installs of system packages below copies, and copies in the wrong order."""
    for stage in one.dockerfile.stages:
        places = directories(one.dockerfile, stage)
        for at, item in enumerate(stage.instructions):
            if item.keyword == "RUN" and _is_movable(item):
                above = _passed(stage, places, at)
                if above:
                    yield _low(one, stage, at, above, _above(item))
            elif _are_apart(stage, places, at) and _is_calmer(stage, at, known):
                yield _low(one, stage, at, [at - 1], _swap(stage.instructions[at - 1], item))


def _is_movable(run: Instruction) -> bool:
    return is_of_system(run) and "$" not in run.text and all("type=cache" in f for f in run.flags)


def _passed(stage: Stage, places: Sequence[str], at: int) -> list[int]:
    """Return the copies from the context that an install may stand above, the nearest first."""
    found = []
    for number in range(at - 1, 0, -1):
        item = stage.instructions[number]
        if sources_of(item) and _is_apart(resolved(places[number], item.words[-1])):
            found.append(number)
        elif item.keyword in ("ARG", "ENV"):
            if might_use(stage.instructions[at], defined(item)):
                break
        elif item.keyword not in _HARMLESS:
            break
    return found


def _is_apart(path: str) -> bool:
    """Whether what lies there is nothing that the system's packages could see."""
    return "$" not in path and any(path == own or path.startswith(f"{own}/") for own in _OWN)


def _are_apart(stage: Stage, places: Sequence[str], at: int) -> bool:
    """Whether an instruction and the one above it copy from the context to other places."""
    if at == 0 or places[at] != places[at - 1]:
        return False
    upper, lower = stage.instructions[at - 1], stage.instructions[at]
    if not (sources_of(upper) and sources_of(lower)) or "$" in upper.text + lower.text:
        return False
    one, other = (resolved(places[at], item.words[-1]) for item in (upper, lower))
    return not overlaps(one, other)


def _is_calmer(stage: Stage, at: int, known: Known) -> bool:
    """Whether what an instruction copies changed in fewer builds than what the one above does."""
    upper, lower = (stage.instructions[n].normalised for n in (at - 1, at))
    return known.copied.get(lower, 0) < known.copied.get(upper, 0)


def _above(run: Instruction) -> str:
    return f"Install system packages above what is copied: {run.normalised[:80]}"


def _swap(upper: Instruction, lower: Instruction) -> str:
    return f"Put {lower.normalised[:80]} above {upper.normalised[:80]}, which changes more often"


def _low(one: Seen, stage: Stage, at: int, above: list[int], title: str) -> LowStep:
    moved, top = stage.instructions[at], stage.instructions[min(above)]
    lines = with_comments(one.dockerfile, moved)
    new = edited(one.dockerfile, [(lines, with_comments(one.dockerfile, top)[0])])
    proposal = Proposal(
        Kind.ORDER,
        key_of(Kind.ORDER, stage, moved.normalised),
        title,
        stage.name,
        (top.start_line, moved.end_line),
        one.dockerfile.text,
        new,
        (moved.normalised,),
        (LOOK,) if moved.keyword == "RUN" else (),
    )
    return LowStep(proposal, moved, tuple(stage.instructions[number] for number in above))
