"""Changes of the line that says what a stage stands on: sure ones, or none."""

import re
from dataclasses import dataclass

from buildkit.advising.editing import diff, edited
from buildkit.dockerfile import Dockerfile, Instruction
from buildkit.registry import Reference
from buildkit.registry.reference import DOCKER_HUB
from supplychain.bases.arguments import Argument, by_name, driven_by, followed
from supplychain.bases.stages import Base


@dataclass(frozen=True, slots=True)
class Edit:
    """A Dockerfile with another base, or in ``problem`` why there is none.

    ``argument`` is the one whose default was changed. ``remark`` is what else has to be done for
    it to be in effect.
    """

    text: str = ""
    problem: str = ""
    argument: str = ""
    remark: str = ""

    def diff(self, path: str, old: str) -> str:
        """Return it as ``git apply`` takes it; empty without a change."""
        return "" if self.problem else diff(path, old, self.text)


def short(reference: Reference) -> str:
    """Return a reference as people write it: without Docker Hub's name, and its ``library/``."""
    text = str(reference)
    return text.removeprefix(f"{DOCKER_HUB}/library/").removeprefix(f"{DOCKER_HUB}/")


def with_base(dockerfile: Dockerfile, base: Base, to: Reference) -> Edit:
    """Return the Dockerfile with another image in the place of a base.

    The name is changed where it is written: in its line, or in the default of the argument that it
    is. What is pinned must stay so.
    """
    if base.is_pinned and not to.digest:
        return Edit(problem="It is pinned, and the digest of what would take its place is unknown.")
    if base.instruction is None:
        return Edit(problem=f"The context {base.context} gives it: change it where builds begin.")
    argument = _argument(dockerfile, base, to)
    if argument:
        return _in_default(dockerfile, argument, base, short(to))
    if base.given:
        return Edit(problem=f"Builds give it as {base.given}: change it where they begin.")
    if "$" in base.written:
        return Edit(problem=f"{base.written} is put together of parts that cannot be told apart.")
    return _in_line(dockerfile, base.instruction, base.written, short(to))


def _argument(dockerfile: Dockerfile, base: Base, to: Reference) -> Argument | None:
    """Return the argument whose default is to be changed, ``None`` if there is none.

    That is the one which has the name. If that is what other stages begin with, too, another
    repository goes into one that this stage has for itself, where there is one.
    """
    known = by_name(dockerfile)
    chain = [known[name] for name in followed(base.written, known)]
    if not chain or not chain[-1].default or "$" in chain[-1].default:
        return None
    if base.reference and to.name != base.reference.name:
        own = (one for one in reversed(chain) if len(driven_by(one.name, dockerfile)) == 1)
        return next(own, chain[-1])
    return chain[-1]


def _in_default(dockerfile: Dockerfile, argument: Argument, base: Base, to: str) -> Edit:
    edit = _in_line(dockerfile, argument.instruction, argument.default or "", to, argument.name)
    if edit.problem:
        return edit
    remarks = []
    if base.given:
        remarks.append(
            f"Builds give {base.given} themselves, which goes before the Dockerfile's default: "
            f"take that away where they begin, or set it to {to} there too."
        )
    others = [name for name in driven_by(argument.name, dockerfile) if name != base.stage]
    if others:
        remarks.append(f"It is what {', '.join(others)} begin{'s' * (len(others) == 1)} with, too.")
    return Edit(edit.text, argument=argument.name, remark=" ".join(remarks))


def _in_line(
    dockerfile: Dockerfile, instruction: Instruction, old: str, to: str, argument: str = ""
) -> Edit:
    """Replace a name within an instruction, if it stands there exactly once."""
    pattern = _pattern(old, argument)
    lines = enumerate(dockerfile.lines_of(instruction), instruction.start_line)
    places = [(number, line) for number, line in lines for _ in pattern.finditer(line)]
    if len(places) != 1:
        why = "is not" if not places else "is more than once"
        return Edit(problem=f"{old} {why} in line {instruction.start_line} of the Dockerfile.")
    number, line = places[0]
    changed = pattern.sub(lambda match: f"{match[1]}{to}", line)
    return Edit(edited(dockerfile, replaced={number: changed}), argument=argument)


def _pattern(old: str, argument: str) -> re.Pattern[str]:
    """Return what finds a name as a whole: of an argument's default, or of an image."""
    before = rf"(?<!\S)({re.escape(argument)}=[\"']?)" if argument else r"((?<![^\s=,]))"
    return re.compile(rf"{before}{re.escape(old)}(?![^\s,\"'])")
