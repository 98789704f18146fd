"""One step that ran, held against an earlier build: what it was made from, and its cache."""

from collections.abc import Iterator
from dataclasses import dataclass

from buildkit.explaining.causes import Cause, Confidence
from buildkit.explaining.evidence import Evidence, base_of, place_of
from buildkit.explaining.files import changed_files, patterns_of
from buildkit.explaining.found import Found
from buildkit.explaining.operations import Difference, command_of, copied, differences
from buildkit.explaining.removals import Removal, told_of
from buildkit.explaining.wording import shortened, was_and_is
from buildkit.model import CACHEABLE_KINDS, Step, StepKind

NO_OPERATIONS = "operations of the steps (build with provenance, mode=max)"
NO_FILES = "digests of the files of the context (build with `buildinsights build`)"
NO_BUILDER = "name of the builder (send the metadata file, too)"
NO_DIGEST = "digest of the base (build with provenance)"

_REMOTE = frozenset({StepKind.HTTP, StepKind.GIT})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A build, the earlier one, and what is known to have gone from the cache between them."""

    after: Evidence
    before: Evidence
    removals: tuple[Removal, ...] = ()

    def of(self, step: Step) -> Found:
        """Tell why a cacheable step ran that nothing before it has invalidated."""
        same = self.before.by_identity.get(step.identity)
        if found := self._base_of_inputs(step):
            return found
        if same is None:
            return self._other_instruction(step)
        missing = tuple(self._missing(step, same))
        found = self._other_operation(step, same) or self._other_sources(step)
        return found or self._not_in_cache(step, missing)

    def new(self, step: Step) -> Found | None:
        """Tell whether its platform, or its stage, was not built before."""
        steps = [other for other in self.before.build.steps if other.kind in CACHEABLE_KINDS]
        if step.platform not in {other.platform for other in steps}:
            words = f"Nothing was built for {step.platform} before."
        elif step.stage not in {other.stage for other in steps}:
            words = f"The build before had no steps of stage {step.stage}."
        else:
            return None
        return Found(Cause.FIRST, evidence=(words,))

    def base(self, source: Step) -> Found | None:
        """Hold an image against the one of that name before; another name is another text."""
        base = base_of(source)
        known = self.before.bases.get((base.name, source.platform))
        if known is None:
            return self._other_base(base.name, source)
        if not known or not base.digest or known == base.digest:
            return None
        return Found(Cause.BASE, evidence=(f"{base.name}: {known} before, {base.digest} now",))

    def _base_of_inputs(self, step: Step) -> Found | None:
        sources = (self._step(position) for position in step.inputs)
        found = (self.base(source) for source in sources if source.kind is StepKind.FROM)
        return next((item for item in found if item), None)

    def _other_base(self, name: str, source: Step) -> Found:
        there = self.before.by_place.get(place_of(source))
        words = (
            f"It builds on {name}; before on {base_of(there).name if there else 'another image'}."
        )
        for argument, (old, new) in self._changed_arguments().items():
            if new and new in name:
                return Found(Cause.ARGUMENT, evidence=(was_and_is(argument, old, new), words))
        return Found(Cause.INSTRUCTION, evidence=(words,))

    def _other_instruction(self, step: Step) -> Found:
        """The text is another one: edited, or BuildKit has put the value of an argument into it."""
        there = self.before.by_place.get(place_of(step))
        if there is None or there.identity in self.after.by_identity:
            words = f"{shortened(step.instruction)} was not there before"
            return Found(Cause.INSTRUCTION, evidence=(words,))
        is_same_command = command_of(step.op) == command_of(there.op) != []
        if is_same_command and (found := self._other_operation(step, there)):
            return found
        for name, (old, new) in self._changed_arguments().items():
            if old and there.instruction.replace(old, new or "") == step.instruction:
                return Found(Cause.ARGUMENT, evidence=(was_and_is(name, old, new),))
        words = f"{shortened(there.instruction)} before, {shortened(step.instruction)} now"
        return Found(Cause.INSTRUCTION, evidence=(words,))

    def _other_operation(self, step: Step, same: Step) -> Found | None:
        if step.op is None or same.op is None:
            return None
        found = differences(same.op, step.op)
        if not found:
            return None
        is_argument = all(map(self._is_argument, found))
        cause = Cause.ARGUMENT if is_argument else Cause.INSTRUCTION
        return Found(cause, evidence=tuple(item.text for item in found))

    def _other_sources(self, step: Step) -> Found | None:
        """Files of the context that it copies, or what it fetches, have changed."""
        sources = [self._step(position) for position in step.inputs]
        fetched = [source for source in sources if source.kind in _REMOTE]
        words = tuple(word for source in fetched for word in self._fetched(source))
        reads_context = any(source.kind is StepKind.CONTEXT for source in sources)
        if reads_context and self.after.files is not None and self.before.files is not None:
            patterns = copied(step.op) if step.op else patterns_of(step.instruction)
            changes = changed_files(self.before.files, self.after.files, patterns)
            words += changes.sentences()
            if changes and self._ignores(self.before) != self._ignores(self.after):
                words += (".dockerignore is another one",)
        return Found(Cause.FILES, evidence=words) if words else None

    def _fetched(self, source: Step) -> Iterator[str]:
        """Yield what of the materials, with their digests, a source was and is."""
        old, new = (
            {item.uri: item.digest for item in side.build.materials if item.uri in source.name}
            for side in (self.before, self.after)
        )
        for uri in sorted(old.keys() & new.keys()):
            if old[uri] != new[uri]:
                yield f"{uri}: {old[uri]} before, {new[uri]} now"

    def _missing(self, step: Step, same: Step) -> Iterator[str]:
        if step.op is None or same.op is None:
            yield NO_OPERATIONS
        sources = [self._step(position) for position in step.inputs]
        reads_context = any(source.kind is StepKind.CONTEXT for source in sources)
        if reads_context and (self.after.files is None or self.before.files is None):
            yield NO_FILES
        bases = (base_of(source) for source in sources if source.kind is StepKind.FROM)
        if any(not base.digest for base in bases):
            yield NO_DIGEST

    def _not_in_cache(self, step: Step, missing: tuple[str, ...]) -> Found:
        """Its inputs are the same as far as is known: tell why its result was not found."""
        sure = Confidence.MEDIUM if missing else Confidence.HIGH
        failed = {ref: error for ref, error in self.after.imports.items() if error}
        if failed:
            words = tuple(f"{ref} was not imported: {error}" for ref, error in failed.items())
            return Found(Cause.NOT_IMPORTED, sure, words, missing)
        if dropped := self.before.imports.keys() - self.after.imports.keys():
            words = (f"The build before imported {', '.join(sorted(dropped))}, this one did not.",)
            sure = Confidence.LOW if missing else Confidence.MEDIUM
            return Found(Cause.NOT_IMPORTED, sure, words, missing)
        old, new = self.before.build.builder, self.after.build.builder
        if old and new and old != new:
            words = (f"Built on {new}; the build before on {old}.",)
            return Found(Cause.GONE, sure, words, missing)
        if missing:
            words = ("What was recorded of its inputs is the same as before.",)
            return Found(Cause.UNKNOWN, Confidence.LOW, words, missing)
        if not (old and new):
            words = ("All inputs are the same as before.",)
            return Found(Cause.GONE, Confidence.LOW, words, (NO_BUILDER,))
        words = ("All inputs are the same as before, on the same builder.",)
        gone = told_of(step, self.removals)
        return Found(Cause.GONE, Confidence.HIGH if gone else Confidence.MEDIUM, words + gone)

    def _changed_arguments(self) -> dict[str, tuple[str | None, str | None]]:
        old, new = self.before.build.build_args, self.after.build.build_args
        names = sorted(old.keys() | new.keys())
        return {
            name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
        }

    def _is_argument(self, difference: Difference) -> bool:
        arguments = self.after.build.build_args.keys() | self.before.build.build_args.keys()
        return difference.variable in arguments

    @staticmethod
    def _ignores(side: Evidence) -> str | None:
        return side.files.get(".dockerignore") if side.files else None

    def _step(self, position: int) -> Step:
        return self.after.build.steps[position]
