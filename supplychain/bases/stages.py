"""Which images a Dockerfile's target stands on: that of its final stage, and those of the others.

As BuildKit finds them: through names of stages, arguments and named contexts, and only what the
target needs.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from buildkit.dockerfile import Dockerfile, Instruction, Stage
from buildkit.registry import InvalidReferenceError, Reference
from supplychain.bases.arguments import by_name, expanded, followed, platform_arguments, values_of

SCRATCH = "scratch"
_IMAGE = "docker-image://"
_MOUNT_FROM = re.compile(r"--mount=(?:.*,)?from=([^,\s]+)")
_MOST_DIGITS = 9


class Role(StrEnum):
    """What an image is to a build."""

    FINAL = "final"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a build was told beside its Dockerfile, as BuildKit names it.

    ``contexts`` have their address by name; ``platform`` is what is built for.
    """

    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, str] = field(default_factory=dict)
    platform: str = ""
    builder_platform: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """An image that a target stands on.

    ``written`` is how the Dockerfile has it, and ``reference`` what that comes to, ``None`` if it
    cannot be told. ``instruction`` has the name; a base that a named ``context`` gives stands in no
    line. ``given`` is the build's argument that decided, if one did.
    """

    role: Role
    stage: str
    written: str
    reference: Reference | None
    instruction: Instruction | None = None
    platform: str = ""
    context: str = ""
    given: str = ""

    @property
    def is_pinned(self) -> bool:
        """Whether its digest is written."""
        return self.reference is not None and bool(self.reference.digest)


def bases_of(dockerfile: Dockerfile, inputs: Inputs) -> tuple[Base, ...]:
    """Return the images that a target stands on, that of its final stage first.

    A final stage that stands on ``scratch``, or on a context that is no image, has no base. Of a
    target that the Dockerfile does not have nothing is known.
    """
    final = _target(dockerfile, inputs.target)
    if final is None:
        return ()
    reader = _Reader(dockerfile, inputs)
    reader.visit(final)
    last = reader.root(final)
    bases = [
        base
        for stage in dockerfile.stages
        if stage.number in reader.needed
        for base in reader.bases(stage, Role.FINAL if stage is last else Role.BUILD)
    ]
    return tuple(sorted(bases, key=lambda base: base.role is not Role.FINAL))


def _target(dockerfile: Dockerfile, name: str) -> Stage | None:
    """Return the stage that is built: named, numbered, or the last one."""
    if not name:
        return dockerfile.stages[-1]
    named = (stage for stage in reversed(dockerfile.stages) if stage.name == name.lower())
    return next(named, None) or _numbered(name, dockerfile.stages)


def _numbered(name: str, stages: Sequence[Stage]) -> Stage | None:
    is_number = name.isdecimal() and len(name) <= _MOST_DIGITS
    return stages[int(name)] if is_number and int(name) < len(stages) else None


class _Reader:
    """Walks from a target to all that it needs."""

    def __init__(self, dockerfile: Dockerfile, inputs: Inputs) -> None:
        self.dockerfile, self.inputs = dockerfile, inputs
        known = platform_arguments(inputs.platform, inputs.builder_platform)
        self.declared = by_name(dockerfile)
        self.values = values_of(dockerfile, inputs.arguments, known)
        self.contexts = {name.lower(): to for name, to in inputs.contexts.items()}
        self.needed: set[int] = set()
        self._numbers: dict[str, list[int]] = {}
        for one in dockerfile.stages:
            self._numbers.setdefault(one.name, []).append(one.number)

    def visit(self, stage: Stage) -> None:
        """Note a stage and all that it needs; a context in its place needs nothing."""
        waiting = [stage]
        while waiting:
            one = waiting.pop()
            if one.number in self.needed:
                continue
            self.needed.add(one.number)
            if one.name not in self.contexts:
                names = (self._base_name(one), *self._copied(one))
                found = (self._stage(name, one) for name in names)
                waiting += [other for other in found if other]

    def root(self, stage: Stage) -> Stage:
        """Return the stage whose base a stage stands on in the end."""
        while stage.name not in self.contexts:
            parent = self._stage(self._base_name(stage), stage)
            if parent is None:
                break
            stage = parent
        return stage

    def bases(self, stage: Stage, role: Role) -> Iterator[Base]:
        """Yield the image that a stage begins with, and those that it copies from."""
        if stage.name in self.contexts:
            yield from self._context(stage.name, stage, role)
            return
        yield from self._begins_with(stage, role)
        for name, item in self._copies(stage):
            if self._is_elsewhere(name, stage):
                yield from self._named(name, stage, Role.BUILD, item)

    def _begins_with(self, stage: Stage, role: Role) -> Iterator[Base]:
        item, name = stage.instructions[0], self._base_name(stage)
        if name is None:
            yield Base(role, stage.name, stage.base, None, item, self._platform(item))
        elif self._is_elsewhere(name, stage):
            names = followed(stage.base, self.declared)
            given = next((name for name in names if name in self.inputs.arguments), "")
            yield from self._named(name, stage, role, item, stage.base, given)

    def _named(
        self,
        name: str,
        stage: Stage,
        role: Role,
        item: Instruction,
        written: str = "",
        given: str = "",
    ) -> Iterator[Base]:
        if name.lower() in self.contexts:
            yield from self._context(name.lower(), stage, role)
            return
        platform = self._platform(item)
        yield Base(role, stage.name, written or name, parsed(name), item, platform, given=given)

    def _context(self, name: str, stage: Stage, role: Role) -> Iterator[Base]:
        address = self.contexts[name]
        if address.startswith(_IMAGE):
            reference = parsed(address.removeprefix(_IMAGE))
            yield Base(role, stage.name, address, reference, context=name)

    def _base_name(self, stage: Stage) -> str | None:
        return expanded(stage.base, self.values)

    def _stage(self, name: str | None, before: Stage) -> Stage | None:
        """Return the stage before one that a name means."""
        if not name:
            return None
        numbers = self._numbers.get(name.lower(), [])
        if place := bisect_left(numbers, before.number):
            return self.dockerfile.stages[numbers[place - 1]]
        found = _numbered(name, self.dockerfile.stages)
        return found if found and found.number < before.number else None

    def _is_elsewhere(self, name: str, stage: Stage) -> bool:
        return name.lower() != SCRATCH and self._stage(name, stage) is None

    def _copied(self, stage: Stage) -> Iterator[str]:
        return (name for name, _ in self._copies(stage))

    def _copies(self, stage: Stage) -> Iterator[tuple[str, Instruction]]:
        """Yield what a stage takes files from; BuildKit expands no variable in it."""
        for item in stage.instructions:
            if item.keyword == "COPY" and (name := item.flag("from")):
                yield name, item
            elif item.keyword == "RUN":
                mounts = (_MOUNT_FROM.match(flag) for flag in item.flags)
                yield from ((found[1], item) for found in mounts if found)

    def _platform(self, item: Instruction) -> str:
        written = item.flag("platform")
        return (expanded(written, self.values) or "") if written else self.inputs.platform


def parsed(name: str) -> Reference | None:
    """Return the reference that a text is, ``None`` if it is none."""
    try:
        return Reference.parse(name)
    except InvalidReferenceError:
        return None
