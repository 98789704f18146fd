"""Arguments that change, declared above costly steps that do not use them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.commands import SYSTEM, installs_of, managers_of
from buildkit.advising.editing import edited, with_comments
from buildkit.advising.finding import (
    Known,
    key_of,
    normalised,
    place_of,
    seconds_of,
    stage_of,
    uses,
)
from buildkit.advising.history import Seen, is_same, spared
from buildkit.dockerfile import Instruction, Stage
from buildkit.explaining import Cause
from buildkit.explaining.operations import differences
from buildkit.model import Step

COSTLY = frozenset({"ADD", "COPY", "RUN", "WORKDIR"})
_FOLLOWS = frozenset({"ENV", "LABEL"})

READ_BY_INSTALLS = re.compile(
    r"(npm|yarn|pnpm|node|pip|python|uv|poetry|go|cgo|gem|bundle|ruby|apt|debian|deb|dpkg|apk|ld"
    r"|lc|make|ssl|curl|git(?!_?(sha|commit|rev|tag|branch|version|ref|hash))|target|build(platform|os|arch|variant)|puppeteer|cypress|electron|sharp"
    r"|playwright|sentrycli|prisma|nvm|corepack|xdg|sqlite3|esbuild|swc|sass)(_.*|[A-Z\d].*)?"
    r"|.*(proxy|mirror|registry|token|auth|index_url|password|flags|libs)"
    r"|path|home|user|shell|tmpdir|tmp|temp|ci|cc|cxx|ar|cpp|lang|language|tz|source_date_epoch|ifs"
    r"|env|rails_env|rack_env|production",
    re.IGNORECASE,
)
_PAIR = re.compile(r"""(?:^|\s)([\w.-]+|"[^"]+"|'[^']+')=""")

CAUSES = (Cause.ARGUMENT, Cause.INSTRUCTION)
"""A changed ``ENV`` that is made of an argument is explained as an edit."""

LOOK = "Look whether a script that a package runs on install reads {names} from its environment."


@dataclass(frozen=True, slots=True)
class EarlyArguments:
    """Arguments of one stage; ``ranges`` have for each, and for each ``ENV`` that is made of them,
    the number of its instruction and that of the one above which it may stand.
    """

    proposal: Proposal
    stage: Stage
    names: frozenset[str]
    ranges: Mapping[str, tuple[int, int]]

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return runs within the ranges that began with nothing but a change of these."""
        places = dict(self._places(one))
        steps = one.observed.evidence.build.steps
        found: set[int] = set()
        for names, seed in self._heads(one):

            def may(step: Step, names: frozenset[str] = names) -> bool:
                is_within = self._are_outside(names, places.get(step.position))
                return is_within and is_same(one, step, names)

            if may(steps[seed]):
                found |= spared(one, {seed}, may)
        return seconds_of(one, found)

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the steps that were below the arguments stand above them all."""
        items = stage_of(one.dockerfile, self.proposal.stage)
        arguments = frozenset().union(*(defined(i) for i in items if i.keyword == "ARG"))
        own = [at for at, item in enumerate(items) if defined(item) & self.ranges.keys()]
        places = [place_of(items, step) for step in self.proposal.steps]
        is_there = bool(own) and self.names <= arguments
        return is_there and all(place is not None and place < min(own) for place in places)

    def _places(self, one: Seen) -> Iterator[tuple[int, int]]:
        for number, item in enumerate(self.stage.instructions):
            yield from ((step.position, number) for step in one.steps_of(item))

    def _heads(self, one: Seen) -> Iterator[tuple[frozenset[str], int]]:
        for position in sorted(one.positions_of(self.stage.instructions, *CAUSES)):
            step = one.observed.evidence.build.steps[position]
            names = changed_of(one, step)
            if names <= self.ranges.keys() and names & _arguments(one):
                yield names, position

    def _are_outside(self, names: frozenset[str], number: int | None) -> bool:
        """Whether a place is above where all of these arguments would be, and below where now."""
        if number is None:
            return False
        return all(self.ranges[name][0] < number < self.ranges[name][1] for name in names)


def changed_of(one: Seen, step: Step) -> frozenset[str]:
    """Return the variables by which a step differs; nothing if it differs by something else."""
    before = one.observed.before
    same = before.by_identity.get(step.identity) if before else None
    if same is None or same.op is None or step.op is None:
        return frozenset()
    names = frozenset(item.variable for item in differences(same.op, step.op))
    return frozenset() if "" in names else names


def changed_arguments(one: Seen) -> frozenset[str]:
    """Return the variables whose change made steps of a build run."""
    found: frozenset[str] = frozenset()
    for position, reason in one.observed.explanation.reasons.items():
        if reason.cause in CAUSES:
            found |= changed_of(one, one.observed.evidence.build.steps[position])
    return found & _arguments(one)


def _arguments(one: Seen) -> frozenset[str]:
    """Return the arguments that were given another value than in the build before."""
    before = one.observed.before
    new, old = one.observed.evidence.build.build_args, before.build.build_args if before else {}
    return frozenset(name for name in new.keys() | old.keys() if new.get(name) != old.get(name))


def find(one: Seen, known: Known) -> Iterator[EarlyArguments]:
    """Yield, of each stage, the changing arguments that may stand further down."""
    for stage in one.dockerfile.stages:
        names: frozenset[str] = frozenset()
        ranges: dict[str, tuple[int, int]] = {}
        targets: dict[int, int] = {}
        above = _inherited(one, stage)
        for at, item in enumerate(stage.instructions):
            own, is_again = defined(item), bool(defined(item) & above)
            above |= own
            if item.keyword != "ARG" or len(own) != 1 or not own <= known.changed or is_again:
                continue
            moved, target = _way(stage, at, own)
            if any(other.keyword in COSTLY for other in stage.instructions[at + 1 : target]):
                targets |= {index: max(targets.get(index, 0), target) for index in moved}
                ranges |= _ranges(stage, moved, target)
                names |= own
        if targets:
            yield EarlyArguments(_proposal(one, stage, targets, names), stage, names, ranges)


def _inherited(one: Seen, stage: Stage) -> frozenset[str]:
    """Return the variables of the stages that a stage is built on: it has them from its start."""
    below = {other.name: other for other in one.dockerfile.stages[: stage.number]}
    parent = below.get(stage.base.lower())
    if parent is None:
        return frozenset()
    return _inherited(one, parent).union(*map(defined, parent.instructions))


def _ranges(stage: Stage, moved: list[int], target: int) -> dict[str, tuple[int, int]]:
    """An ``ENV`` that is made of an argument moves with it: it changes with it, too."""
    variables = (index for index in moved if stage.instructions[index].keyword != "LABEL")
    return {
        name: (index, target) for index in variables for name in defined(stage.instructions[index])
    }


def _way(stage: Stage, at: int, names: frozenset[str]) -> tuple[list[int], int]:
    """Return what moves along, and the number of the instruction above which all may stand."""
    moved = [at]
    own, keys = names, names | _used(stage.instructions[at])
    for index in range(at + 1, len(stage.instructions)):
        item = stage.instructions[index]
        follows = item.keyword in _FOLLOWS and uses(item, own)
        is_own = follows and defined(item) <= own  # ENV NAME=$NAME only carries it on
        if (defined(item) & keys and not is_own) or (not follows and might_use(item, own)):
            return moved, index
        if follows:
            own |= defined(item) if item.keyword == "ENV" else frozenset()
            keys |= defined(item) | _used(item)
            moved.append(index)
    return moved, len(stage.instructions)


def might_use(item: Instruction, names: frozenset[str]) -> bool:
    """Tell whether an instruction uses a variable, or runs what may read it."""
    if uses(item, names) or item.keyword == "ONBUILD":
        return True
    if item.keyword != "RUN":
        return False
    return not installs_of(item) or any(map(READ_BY_INSTALLS.fullmatch, names))


def defined(item: Instruction) -> frozenset[str]:
    """Return the variables that an instruction sets; of ``LABEL`` its keys, as ``label:KEY``."""
    if item.keyword == "ARG":
        return frozenset(word.partition("=")[0] for word in item.value.split())
    if item.keyword not in ("ENV", "LABEL"):
        return frozenset()
    mark = "label:" if item.keyword == "LABEL" else ""
    found = _PAIR.findall(item.value) or item.value.split()[:1]
    return frozenset(mark + name.strip("\"'") for name in found)


def _used(item: Instruction) -> frozenset[str]:
    return frozenset(re.findall(r"\$\{?([A-Za-z_]\w*)", item.text))


def _proposal(
    one: Seen, stage: Stage, targets: Mapping[int, int], arguments: frozenset[str]
) -> Proposal:
    items = stage.instructions
    names = ", ".join(sorted(arguments))
    first, last = min(targets), max(targets.values())
    passed = [item for item in items[first:last] if item.keyword in COSTLY]
    installs = {manager for item in passed for manager in managers_of(item)} - {SYSTEM}
    moves = [
        (with_comments(one.dockerfile, items[index]), _line(one, stage, target))
        for index, target in sorted(targets.items())
    ]
    return Proposal(
        Kind.ARGUMENT,
        key_of(Kind.ARGUMENT, stage, f"ARG {names}"),
        f"Declare {names} below the steps that use none of it",
        stage.name,
        (items[first].start_line, items[last - 1].end_line),
        one.dockerfile.text,
        edited(one.dockerfile, moves),
        normalised(passed),
        (LOOK.format(names=names),) if installs else (),
    )


def _line(one: Seen, stage: Stage, number: int) -> int:
    """The line above which something stands that comes before an instruction of that number."""
    if number == len(stage.instructions):
        return stage.instructions[-1].end_line + 1
    return with_comments(one.dockerfile, stage.instructions[number])[0]
