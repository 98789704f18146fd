"""Recorded builds with their Dockerfiles, and which runs would not have been."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from buildkit.advising.advice import Observed
from buildkit.dockerfile import Dockerfile, Instruction, read_dockerfile
from buildkit.errors import ParseError
from buildkit.explaining import Cause, Evidence, Files
from buildkit.explaining.comparing import Comparison
from buildkit.explaining.files import changed_files
from buildkit.explaining.operations import copied, differences
from buildkit.model import CACHEABLE_KINDS, SourceFile, Step, StepKind


@dataclass(frozen=True)
class Seen:
    """A build whose Dockerfile was recorded, and could be read."""

    observed: Observed
    source: SourceFile
    dockerfile: Dockerfile

    @property
    def files(self) -> Files | None:
        """Digests of its context's files."""
        return self.observed.evidence.files

    @property
    def files_before(self) -> Files | None:
        """Digests of the files of the build before."""
        return self.observed.before.files if self.observed.before else None

    @cached_property
    def by_line(self) -> Mapping[int, tuple[Step, ...]]:
        """Its cacheable steps by the line of the Dockerfile; several where platforms are."""
        found: dict[int, tuple[Step, ...]] = {}
        for step in self.observed.evidence.build.steps:
            is_ours = step.dockerfile_name == self.source.filename
            if step.kind in CACHEABLE_KINDS and is_ours and step.dockerfile_line:
                line = step.dockerfile_line
                found[line] = (*found.get(line, ()), step)
        return found

    @cached_property
    def grounded(self) -> frozenset[int]:
        """Where steps stand below which nothing has changed that came from the cache.

        What was built before with other inputs can be there, too: it ran neither time, and what
        stands on it ran because of it, whatever else has changed.
        """
        build, reasons = self.observed.evidence.build, self.observed.explanation.reasons
        found: set[int] = set()
        for step in build.steps:
            below = (build.steps[place] for place in step.inputs)
            cacheable = [other for other in below if other.kind in CACHEABLE_KINDS]
            is_same_below = (
                other.position in found and (other.position in reasons or is_same(self, other))
                for other in cacheable
            )
            if all(is_same_below):
                found.add(step.position)
        return frozenset(found)

    def steps_of(self, instruction: Instruction) -> tuple[Step, ...]:
        """Return the steps of an instruction."""
        lines = range(instruction.start_line, instruction.end_line + 1)
        return tuple(
            step
            for line in lines
            for step in self.by_line.get(line, ())
            if step.kind.value.upper() == instruction.keyword
        )

    def positions_of(self, instructions: Iterable[Instruction], *causes: Cause) -> set[int]:
        """Return where the steps of instructions stand that ran, for one of those causes."""
        reasons = self.observed.explanation.reasons
        steps = (step for item in instructions for step in self.steps_of(item))
        return {
            step.position
            for step in steps
            if step.position in reasons and (not causes or reasons[step.position].cause in causes)
        }


def seen(observed: Observed) -> Seen | None:
    """Return a build with its Dockerfile; ``None`` where that was not recorded, or is not read."""
    build = observed.evidence.build
    name = build.frontend_attrs.get("filename", "")
    named = [source for source in build.sources if source.filename == name]
    sources = named or list(build.sources)
    if len(sources) != 1:
        return None
    try:
        return Seen(observed, sources[0], read_dockerfile(sources[0].text))
    except ParseError:
        return None


def spared(one: Seen, seeds: set[int], may: Callable[[Step], bool]) -> set[int]:
    """Return the steps that ran, and would not have if ``seeds`` had not.

    ``may`` tells whether a step is the same as before apart from what it stands on.
    """
    build, reasons = one.observed.evidence.build, one.observed.explanation.reasons
    found = seeds & one.grounded
    for position in sorted((reasons.keys() & one.grounded) - seeds):
        step = build.steps[position]
        ran = {
            other
            for other in step.inputs
            if other in reasons and build.steps[other].kind in CACHEABLE_KINDS
        }
        if reasons[position].cause is Cause.PARENT and ran <= found and may(step):
            found.add(position)
    return found


def is_same(
    one: Seen,
    step: Step,
    variables: frozenset[str] = frozenset(),
    is_ignored: Callable[[str], object] = lambda path: False,
) -> bool:
    """Tell whether a step is sure to do what it did in the build before.

    Differences in ``variables``, and in files that are ignored, do not count.
    """
    before = one.observed.before
    same = before.by_identity.get(step.identity) if before else None
    if before is None or same is None or step.op is None or same.op is None:
        return False
    if any(item.variable not in variables for item in differences(same.op, step.op)):
        return False
    return _has_same_inputs(one.observed.evidence, before, step, is_ignored)


def changes(one: Seen, step: Step) -> tuple[str, ...] | None:
    """Return the files of the context that a step copies and that are others than before.

    ``None`` where that was not recorded.
    """
    after, before = one.files, one.files_before
    if after is None or before is None or step.op is None:
        return None
    found = changed_files(before, after, copied(step.op))
    return (*found.added, *found.changed, *found.removed)


def _has_same_inputs(
    after: Evidence, before: Evidence, step: Step, is_ignored: Callable[[str], object]
) -> bool:
    sources = [after.build.steps[position] for position in step.inputs]
    comparison = Comparison(after, before)
    if any(item.kind is StepKind.FROM and comparison.base(item) for item in sources):
        return False
    if all(item.kind is not StepKind.CONTEXT for item in sources):
        return True
    if after.files is None or before.files is None or step.op is None:
        return False
    changed = changed_files(before.files, after.files, copied(step.op))
    return all(map(is_ignored, (*changed.added, *changed.changed, *changed.removed)))
