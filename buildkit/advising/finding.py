"""What all finders share: what they know, what they find, and directories of stages."""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.history import Seen
from buildkit.dockerfile import Dockerfile, Instruction, Stage

UNKNOWN = "?"
"""The directory that a base image starts in; no path begins with it otherwise."""

type Reader = Callable[[str], str | None]


def unreadable(path: str) -> str | None:
    """Read no file: the records have digests only."""
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside a build.

    ``changed`` are the arguments whose change made steps run; ``copied`` has by normalised
    instruction in how many builds its files were others. ``dockerignore`` is the text of the file
    that the context has now, empty without one; ``read`` gives the text of a file of it.
    """

    changed: frozenset[str] = frozenset()
    copied: Mapping[str, int] = field(default_factory=dict)
    dockerignore: str | None = None
    read: Reader = unreadable


class Finding(Protocol):
    """A proposal with the means to measure it."""

    @property
    def proposal(self) -> Proposal: ...

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return the seconds by position of the steps of a build that it would have spared."""
        ...

    def is_followed(self, one: Seen) -> bool:
        """Tell whether a build's Dockerfile has the same steps as the proposal would have them."""
        ...


def key_of(kind: Kind, stage: Stage, instruction: str) -> str:
    """Return what names advice across Dockerfiles."""
    return f"{kind} {stage.name} {instruction}"


def seconds_of(one: Seen, positions: set[int]) -> dict[int, float]:
    """Return the seconds that steps were busy."""
    steps = one.observed.evidence.build.steps
    return {position: steps[position].busy_seconds for position in sorted(positions)}


def sources_of(copy: Instruction) -> list[str]:
    """Return the sources of a ``COPY`` or ``ADD`` from the context; none of another."""
    if copy.keyword not in ("COPY", "ADD") or copy.flag("from") is not None or copy.heredocs:
        return []
    return copy.words[:-1]


def is_broad(copy: Instruction) -> bool:
    """Tell whether a ``COPY`` takes the whole context."""
    return copy.keyword == "COPY" and sources_of(copy) in (["."], ["./"])


def uses(instruction: Instruction, names: frozenset[str]) -> bool:
    """Tell whether an instruction has ``$NAME`` or ``${NAME…`` of one of the names."""
    return any(re.search(rf"\$\{{?{re.escape(name)}\b", instruction.text) for name in names)


def directories(dockerfile: Dockerfile, stage: Stage) -> list[str]:
    """Return the working directory in which each instruction of a stage is carried out."""
    names = {other.name: other for other in dockerfile.stages[: stage.number]}
    parent = names.get(stage.base.lower())
    current = _last(dockerfile, parent) if parent else UNKNOWN
    found = []
    for item in stage.instructions:
        found.append(current)
        if item.keyword == "WORKDIR":
            current = resolved(current, item.value)
    return found


def resolved(directory: str, path: str) -> str:
    """Return a path as seen from a directory; variables in it are taken as they are written."""
    return posixpath.normpath(posixpath.join(directory, path.strip("\"'")))


def overlaps(one: str, other: str) -> bool:
    """Tell whether one of two paths lies in the other."""
    return f"{one.rstrip('/')}/".startswith(f"{other.rstrip('/')}/") or f"{other}/".startswith(
        f"{one.rstrip('/')}/"
    )


def stage_of(dockerfile: Dockerfile, name: str) -> Sequence[Instruction]:
    """Return the instructions of a stage; nothing without one of that name."""
    found = (stage.instructions for stage in dockerfile.stages if stage.name == name)
    return next(found, ())


def place_of(instructions: Sequence[Instruction], step: str) -> int | None:
    """Return the number of a normalised instruction among others."""
    return next((at for at, item in enumerate(instructions) if item.normalised == step), None)


def normalised(instructions: Sequence[Instruction]) -> tuple[str, ...]:
    """Return instructions as advice names them."""
    return tuple(dict.fromkeys(item.normalised for item in instructions))


def _last(dockerfile: Dockerfile, stage: Stage) -> str:
    last = directories(dockerfile, stage)[-1]
    item = stage.instructions[-1]
    return resolved(last, item.value) if item.keyword == "WORKDIR" else last
