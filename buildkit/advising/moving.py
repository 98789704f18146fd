"""Arguments of a stage, and how far down each may stand without being missed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from buildkit.advising.commands import installs_of
from buildkit.advising.editing import edited, with_comments
from buildkit.advising.finding import uses
from buildkit.dockerfile import Dockerfile, Instruction, Stage

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


@dataclass(frozen=True, slots=True)
class Moves:
    """Where arguments of a stage may stand, by number of instructions.

    ``ranges`` have of each, and of each ``ENV`` that is made of them, its own number and that of
    the instruction above which it may stand; ``targets`` have the latter for all that is moved.
    """

    stage: Stage
    names: frozenset[str]
    ranges: Mapping[str, tuple[int, int]]
    targets: Mapping[int, int]

    def across(self, number: int) -> frozenset[str]:
        """Return the variables that stand above an instruction and may stand below it."""
        return frozenset(n for n, (first, last) in self.ranges.items() if first < number < last)

    def text(self, dockerfile: Dockerfile) -> str:
        """Return the Dockerfile with all of them moved."""
        items = self.stage.instructions
        moves = [
            (with_comments(dockerfile, items[index]), _line(dockerfile, self.stage, target))
            for index, target in sorted(self.targets.items())
        ]
        return edited(dockerfile, moves)


def moves_of(dockerfile: Dockerfile, stage: Stage, changing: frozenset[str]) -> Moves | None:
    """Return how arguments that change may be moved below steps; ``None`` if none may."""
    names: frozenset[str] = frozenset()
    ranges: dict[str, tuple[int, int]] = {}
    targets: dict[int, int] = {}
    above = _inherited(dockerfile, stage)
    for at, item in enumerate(stage.instructions):
        own, is_again = defined(item), bool(defined(item) & above)
        above |= own
        if item.keyword != "ARG" or len(own) != 1 or not own <= changing or is_again:
            continue
        moved, target = _way(stage, at, own)
        if any(other.keyword in COSTLY for other in stage.instructions[at + 1 : target]):
            targets |= {index: max(targets.get(index, 0), target) for index in moved}
            ranges |= _ranges(stage, moved, target)
            names |= own
    return Moves(stage, names, ranges, targets) if targets else None


def _inherited(dockerfile: Dockerfile, stage: Stage) -> frozenset[str]:
    """Return the variables of the stages that a stage is built on: it has them from its start."""
    below = {other.name: other for other in dockerfile.stages[: stage.number]}
    parent = below.get(stage.base.lower())
    if parent is None:
        return frozenset()
    return _inherited(dockerfile, parent).union(*map(defined, parent.instructions))


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
    first = item.value.split()[:1]
    # `ENV NAME a value` is the old form, in which the value may have a `=`, too.
    found = _PAIR.findall(item.value) if "=" in "".join(first) else first
    return frozenset(mark + name.strip("\"'") for name in found)


def _used(item: Instruction) -> frozenset[str]:
    return frozenset(re.findall(r"\$\{?([A-Za-z_]\w*)", item.text))


def _line(dockerfile: Dockerfile, stage: Stage, number: int) -> int:
    """The line above which something stands that comes before an instruction of that number."""
    if number == len(stage.instructions):
        return stage.instructions[-1].end_line + 1
    return with_comments(dockerfile, stage.instructions[number])[0]
