"""What an explanation compares: one build, with the digests of its context's files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from buildkit.errors import ParseError
from buildkit.explaining.files import Files
from buildkit.limits import Limits
from buildkit.model import Build, Step, StepKind, StepState
from buildkit.steps import parse_name
from buildkit.values import Json, as_dict, as_int, as_text, load_object

_REFERENCE = re.compile(
    r"(?:FROM |docker-image://)?(?P<name>[^@\s]+)(?:@(?P<digest>\w+:[0-9a-f]+))?"
)

type Place = tuple[str, str, int]
"""Stage, platform and number of a step within its stage."""


@dataclass(frozen=True)
class Evidence:
    """A build as it is compared; ``files`` are those of its context, ``None`` if not recorded.

    ``sizes`` are their bytes by path.
    """

    build: Build
    files: Files | None = None
    sizes: Mapping[str, int] | None = None

    @cached_property
    def by_identity(self) -> Mapping[str, Step]:
        """Steps by what names them in every build."""
        return {step.identity: step for step in self.build.steps}

    @cached_property
    def by_place(self) -> Mapping[Place, Step]:
        """Numbered steps by their place."""
        return {place_of(step): step for step in self.build.steps if place_of(step)[2]}

    @cached_property
    def bases(self) -> Mapping[tuple[str, str], str]:
        """Digest of each base by name and platform; empty if not recorded."""
        found = (
            (base_of(step), step.platform)
            for step in self.build.steps
            if step.kind is StepKind.FROM
        )
        return {(base.name, platform): base.digest for base, platform in found}

    @cached_property
    def imports(self) -> Mapping[str, str]:
        """Error, or nothing, of each cache that was imported."""
        return {
            step.instruction.rpartition(" ")[2]: step.error or _failed(step)
            for step in self.build.steps
            if step.kind is StepKind.IMPORT_CACHE
        }


def _failed(step: Step) -> str:
    return "it failed" if step.state is StepState.FAILED else ""


@dataclass(frozen=True, slots=True)
class Base:
    """An image that a stage begins from, or that is copied from."""

    name: str
    digest: str = field(default="")


def base_of(step: Step) -> Base:
    """Return the image of a ``FROM`` step."""
    found = _REFERENCE.fullmatch(step.instruction.split(" as ")[0].strip())
    return Base(found["name"], found["digest"] or "") if found else Base(step.instruction)


def place_of(step: Step) -> Place:
    """Return where a step stands in the Dockerfile."""
    return step.stage, step.platform, parse_name(step.name).number


def read_context(data: bytes, target: str, limits: Limits) -> Files | None:
    """Return the files of a target's context as the command line records them.

    ``None`` where they were only counted, or the target has no context of its own.
    """
    digests = _files_of(data, target, limits)
    if digests is None:
        return None
    return {
        path: f"{as_text(file.get('sha256'))} {as_text(file.get('mode'))}"
        for path, file in digests.items()
    }


def read_sizes(data: bytes, target: str, limits: Limits) -> Mapping[str, int] | None:
    """Return the bytes of the files that ``read_context`` returns; unknown ones are left out."""
    found = _files_of(data, target, limits)
    if found is None:
        return None
    sizes = {path: as_int(file.get("size_bytes")) for path, file in found.items()}
    return {path: size for path, size in sizes.items() if size is not None}


def _files_of(data: bytes, target: str, limits: Limits) -> Mapping[str, Json] | None:
    try:
        document = load_object(data, "context", limits)
    except ParseError:
        return None
    found = as_dict(document.get(target))
    if not found and len(document) == 1:
        found = as_dict(next(iter(document.values())))
    files = as_dict(found.get("files"))
    if not files or found.get("files_total") != len(files):
        return None
    return {path: as_dict(file) for path, file in files.items()}
