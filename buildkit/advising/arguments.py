"""Arguments that change, declared above costly steps that do not use them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.commands import SYSTEM, managers_of
from buildkit.advising.finding import (
    Known,
    key_of,
    normalised,
    place_of,
    seconds_of,
    stage_of,
)
from buildkit.advising.history import Seen, is_same, spared
from buildkit.advising.moving import COSTLY, Moves, defined, moves_of
from buildkit.explaining import Cause
from buildkit.explaining.operations import differences
from buildkit.model import Step

CAUSES = (Cause.ARGUMENT, Cause.INSTRUCTION)
"""A changed ``ENV`` that is made of an argument is explained as an edit."""

LOOK = "Look whether a script that a package runs on install reads {names} from its environment."


@dataclass(frozen=True, slots=True)
class EarlyArguments:
    """Arguments of one stage that stand above steps that do not use them."""

    proposal: Proposal
    moves: Moves

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return runs within the ranges that began with nothing but a change of these."""
        places = dict(self._places(one))
        steps = one.observed.evidence.build.steps
        found: set[int] = set()
        for names, seed in self._heads(one):

            def may(step: Step, names: frozenset[str] = names) -> bool:
                place = places.get(step.position)
                is_between = place is not None and names <= self.moves.across(place)
                return is_between and is_same(one, step, names)

            if may(steps[seed]):
                found |= spared(one, {seed}, may)
        return seconds_of(one, found)

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the steps that were below the arguments stand above them all."""
        items = stage_of(one.dockerfile, self.proposal.stage)
        arguments = frozenset().union(*(defined(i) for i in items if i.keyword == "ARG"))
        own = [at for at, item in enumerate(items) if defined(item) & self.moves.ranges.keys()]
        places = [place_of(items, step) for step in self.proposal.steps]
        is_there = bool(own) and self.moves.names <= arguments
        return is_there and all(place is not None and place < min(own) for place in places)

    def _places(self, one: Seen) -> Iterator[tuple[int, int]]:
        for number, item in enumerate(self.moves.stage.instructions):
            yield from ((step.position, number) for step in one.steps_of(item))

    def _heads(self, one: Seen) -> Iterator[tuple[frozenset[str], int]]:
        for position in sorted(one.positions_of(self.moves.stage.instructions, *CAUSES)):
            step = one.observed.evidence.build.steps[position]
            names = changed_of(one, step)
            if names <= self.moves.ranges.keys() and names & _arguments(one):
                yield names, position


def changed_of(one: Seen, step: Step) -> frozenset[str]:
    """Return the variables by which a step differs; nothing if it differs by something else."""
    before = one.observed.before
    same = before.by_identity.get(step.identity) if before else None
    if same is None or same.op is None or step.op is None:
        return frozenset()
    names = frozenset(item.variable for item in differences(same.op, step.op))
    return frozenset() if "" in names else names


def changed_arguments(one: Seen) -> frozenset[str]:
    """Return the arguments that were others, and by which steps differ that ran."""
    steps = one.observed.evidence.build.steps
    ran = (changed_of(one, steps[position]) for position in one.observed.explanation.reasons)
    return frozenset().union(*ran) & _arguments(one)


def _arguments(one: Seen) -> frozenset[str]:
    """Return the arguments that were given another value than in the build before."""
    before = one.observed.before
    new, old = one.observed.evidence.build.build_args, before.build.build_args if before else {}
    return frozenset(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))


def find(one: Seen, known: Known) -> Iterator[EarlyArguments]:
    """Yield, of each stage, the changing arguments that may stand further down."""
    for stage in one.dockerfile.stages:
        moves = moves_of(one.dockerfile, stage, known.changed)
        if moves:
            yield EarlyArguments(_proposal(one, moves), moves)


def _proposal(one: Seen, moves: Moves) -> Proposal:
    stage, items = moves.stage, moves.stage.instructions
    names = ", ".join(sorted(moves.names))
    first, last = min(moves.targets), max(moves.targets.values())
    passed = [item for item in items[first:last] if item.keyword in COSTLY]
    installs = {manager for item in passed for manager in managers_of(item)} - {SYSTEM}
    return Proposal(
        Kind.ARGUMENT,
        key_of(Kind.ARGUMENT, stage, f"ARG {names}"),
        f"Declare {names} below the steps that use none of it",
        stage.name,
        (items[first].start_line, items[last - 1].end_line),
        one.dockerfile.text,
        moves.text(one.dockerfile),
        normalised(passed),
        (LOOK.format(names=names),) if installs else (),
    )
