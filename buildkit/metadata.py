"""Metadata files of ``docker buildx build`` and, with an object per target, of ``bake``."""

from dataclasses import dataclass

from buildkit.draft import split_ref
from buildkit.errors import ParseError
from buildkit.failures import read_source
from buildkit.images import read_descriptor
from buildkit.limits import Limits
from buildkit.model import BuildWarning, Image, SourceFile
from buildkit.progress import read_warnings
from buildkit.provenance import Provenance, from_document
from buildkit.status import Problems
from buildkit.values import Json, as_dict, as_dicts, as_text, load_object

_PROVENANCE = "buildx.build.provenance"
_WARNINGS = "buildx.build.warnings"
_PREFIXES = ("buildx.", "containerimage.", "image.")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says of one build; ``group`` is its target's name in Bake, else empty."""

    group: str
    ref: str
    builder: str
    image: Image | None
    provenances: tuple[tuple[str, Provenance], ...]
    warnings: tuple[BuildWarning, ...]
    sources: tuple[SourceFile, ...]


def read_metadata(
    data: bytes, path: str, limits: Limits, problems: Problems
) -> tuple[Metadata, ...]:
    """Read a metadata file; raises ``ParseError`` when it says nothing about a build."""
    document = load_object(data, path, limits)
    if any(key.startswith(_PREFIXES) and key != _WARNINGS for key in document):
        return (_read_one(document, "", path, limits, problems),)
    targets = {key: value for key, value in document.items() if isinstance(value, dict)}
    found = tuple(
        _read_one(
            {**target, **_shared(document)}, as_text(group), f"{path}/{group}", limits, problems
        )
        for group, target in targets.items()
        if any(key.startswith(_PREFIXES) for key in target)
    )
    if not found:
        raise ParseError(path, "no metadata of a build")
    return found


def _shared(document: Json) -> Json:
    """Bake writes the warnings of all targets once, beside the targets."""
    return {_WARNINGS: document[_WARNINGS]} if _WARNINGS in document else {}


def _read_one(entry: Json, group: str, path: str, limits: Limits, problems: Problems) -> Metadata:
    builder, ref = split_ref(as_text(entry.get("buildx.build.ref")))
    warnings = entry.get(_WARNINGS)
    infos = [as_dict(item.get("sourceInfo")) for item in as_dicts(warnings)]
    sources = (read_source(info) for info in infos if info)
    return Metadata(
        group=group,
        ref=ref,
        builder=builder,
        image=_image(entry),
        provenances=_provenances(entry, path, limits, problems),
        warnings=tuple(read_warnings(warnings)),
        sources=tuple(dict.fromkeys(sources)),
    )


def _image(entry: Json) -> Image | None:
    digest = as_text(entry.get("containerimage.digest"))
    names = tuple(
        name.strip() for name in as_text(entry.get("image.name")).split(",") if name.strip()
    )
    descriptor = as_dict(entry.get("containerimage.descriptor"))
    if not digest and not descriptor:
        return None
    return read_descriptor({**descriptor, "digest": descriptor.get("digest") or digest}, names)


def _provenances(
    entry: Json, path: str, limits: Limits, problems: Problems
) -> tuple[tuple[str, Provenance], ...]:
    found: list[tuple[str, Provenance]] = []
    for key, value in entry.items():
        if not key.startswith(_PROVENANCE) or not isinstance(value, dict):
            continue
        platform = as_text(key.removeprefix(_PROVENANCE).removeprefix("/"))
        try:
            found.append((platform, from_document(value, f"{path}/{key}", limits)))
        except ParseError as error:
            problems.add(error.path, error.message)
    return tuple(found)
