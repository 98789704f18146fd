"""Changes the base of a Bake target where it is written: in Dockerfile or definition."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from buildkit.bake import Target
from buildkit.dockerfile import Dockerfile, read_dockerfile
from buildkit.errors import ParseError
from buildkit.registry import Reference, Registry, RegistryError, credentials_for
from cli.definitions import read_by_bake
from cli.errors import UsageError
from cli.planning import plan_of
from supplychain.bases.editing import short, with_base
from supplychain.bases.stages import Base, Inputs, Role, bases_of

_NAME_CHARACTER = r"[\w./:@-]"


@dataclass(frozen=True, slots=True)
class Definition:
    """The Bake or compose files of a target, and the platform that it is looked at for, if said."""

    files: tuple[str, ...]
    platform: str = ""

    def target(self, name: str) -> Target | None:
        """Return the target as it is now; ``None`` for a group.

        Raises:
            UsageError: the definition or the name is wrong.
        """
        # Bake opens the files of an output even to print a plan.
        overrides = ["*.output=type=image"]
        overrides += [f"{name}.platform={self.platform}"] if self.platform else []
        return plan_of(self.files, [name], overrides).targets.get(name)


@dataclass(frozen=True, slots=True)
class Place:
    """A target's base, with the Dockerfile that has it."""

    definition: Definition
    target: Target
    path: Path
    dockerfile: Dockerfile
    base: Base
    root: Path
    """Of the checkout, outside of which nothing is written."""


def place_of(definition: Definition, name: str, wanted: str, root: Path) -> Place:
    """Return the base of a target: that of its final image, or the one whose name is wanted.

    Raises:
        UsageError: there is none, or it is not sure which.
    """
    target = definition.target(name)
    if target is None:
        raise UsageError(f"{name} is a group: name one target.")
    path = _dockerfile_of(target, root)
    try:
        dockerfile = read_dockerfile(path.read_text())
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise UsageError(f"{path.relative_to(root)}: {error}") from error
    base = _chosen(_bases(dockerfile, target), name, wanted)
    return Place(definition, target, path, dockerfile, base, root)


def _dockerfile_of(target: Target, root: Path) -> Path:
    if target.inline:
        raise UsageError(f"{target.name} has its Dockerfile within the definition.")
    path = (Path(target.context) / target.dockerfile).resolve()
    if not path.is_relative_to(root):
        raise UsageError(f"{target.dockerfile} of {target.name} is not in this repository.")
    return path


def _bases(dockerfile: Dockerfile, target: Target) -> tuple[Base, ...]:
    platform = target.platforms[0] if target.platforms else ""
    return bases_of(dockerfile, Inputs(target.stage, target.args, target.contexts, platform))


def _chosen(bases: Sequence[Base], name: str, wanted: str) -> Base:
    known = [base for base in bases if base.reference]
    if wanted:
        fitting = [base for base in known if base.reference and _is_named(base.reference, wanted)]
    else:
        fitting = [base for base in known if base.role is Role.FINAL]
    names = {str(base.reference) for base in fitting}
    if len(names) != 1:
        has = ", ".join(sorted({short(base.reference) for base in known if base.reference}))
        which = f"several bases {wanted}" if names else f"no base {wanted or 'of its final image'}"
        raise UsageError(f"{name} has {which}; it stands on {has or 'nothing that is known'}.")
    return fitting[0]


def _is_named(reference: Reference, wanted: str) -> bool:
    without = short(reference).partition("@")[0]
    names = {str(reference), without, reference.name, without.rpartition(":")[0]}
    return wanted in names | {reference.repository.rpartition("/")[2]}


def resolved(place: Place, text: str) -> Reference:
    """Return the reference to change to; what takes the place of a digest gets its own.

    Raises:
        UsageError: it is none, or the registry does not tell its digest.
    """
    try:
        to = Reference.parse(text)
        if to.digest or not place.base.is_pinned:
            return to
        digest = Registry(to.host, credentials_for(to.host)).manifest(to).digest
    except RegistryError as error:
        raise UsageError(str(error)) from error
    return Reference(to.host, to.repository, to.tag, digest)


def change(place: Place, to: Reference) -> Path:
    """Write another base where the old one is written, and return the file.

    A build argument that the definition gives goes before the Dockerfile's default: then it is the
    definition that is changed.

    Raises:
        UsageError: it is not sure where, or the change has no effect.
    """
    if to == place.base.reference:
        raise UsageError(f"{place.target.name} stands on {short(to)} already.")
    given = place.base.given
    path = _in_definition(place, given, to) if given else _in_dockerfile(place, to)
    again = place.definition.target(place.target.name)
    bases = _bases(read_dockerfile(place.path.read_text()), again) if again else ()
    if not any(base.reference == to and base.role is place.base.role for base in bases):
        raise UsageError(f"A change of {path.name} has no effect: something else names the base.")
    return path


def _in_dockerfile(place: Place, to: Reference) -> Path:
    edit = with_base(place.dockerfile, place.base, to)
    if edit.problem:
        raise UsageError(f"{place.path.name}: {edit.problem}")
    place.path.write_text(edit.text)
    return place.path


def _in_definition(place: Place, argument: str, to: Reference) -> Path:
    old = place.target.args[argument]
    pattern = re.compile(rf"(?<!{_NAME_CHARACTER}){re.escape(old)}(?!{_NAME_CHARACTER})")
    texts = {Path(name): Path(name).read_text() for name in read_by_bake(place.definition.files)}
    found = [path for path, text in texts.items() for _ in pattern.finditer(text)]
    if len(found) != 1:
        names = ", ".join(path.name for path in texts)
        raise UsageError(
            f"The definition gives {argument}={old}, which stands {len(found)} times in {names}:"
            " change it there."
        )
    path = found[0].resolve()
    if not path.is_relative_to(place.root):
        raise UsageError(f"{found[0]}, which gives {argument}, is not in this repository.")
    path.write_text(pattern.sub(lambda _: short(to), texts[found[0]]))
    return path
