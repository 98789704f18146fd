"""An image's configuration and layers, from where it is kept, and what lies in them.

Kept in a registry, in an OCI image layout (image-layout.md), or in an archive of ``docker save``.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from buildkit.attestations import attestation_of, read_statement
from buildkit.contents import Contents, ContentsBuilder
from buildkit.errors import ParseError
from buildkit.images import (
    CONFIG_MEDIA_TYPES,
    INDEX_MEDIA_TYPES,
    platform_name,
    read_manifest,
    with_history,
)
from buildkit.imagestore import Files, opened, pieces_of
from buildkit.instructions import as_written
from buildkit.layers import LayerLimits, LayerReader
from buildkit.limits import Limits
from buildkit.model import Image
from buildkit.registry import Reference, Registry
from buildkit.values import Json, as_dict, as_dicts, as_list, as_text, load_json, load_object

MOST_JSON = 128 * 1024**2
"""Bytes of what lies in a layout or archive beside layers: attestations may be this large."""

_LIMITS = Limits(max_json_bytes=8 * 1024**2)
"""Of what the image itself is told by: as many bytes as a registry's manifest may have."""

_ALGORITHMS = frozenset({"sha256", "sha512"})
_MOST_LAYERS = 1_000
_DEPTH = 4
_UNKNOWN = "unknown/unknown"


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer: its digest or name, and what opens its stored bytes."""

    name: str
    open: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Digests:
    """By what an image is known; empty where it is not: ``index`` is what a tag of several has."""

    config: str = ""
    manifest: str = ""
    index: str = ""


def no_provenance() -> bytes | None:
    """Return that there is none."""
    return None


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The parts of one image; ``instructions`` has one for each layer, empty if not known.

    An archive that Docker wrote before it wrote layouts has no ``manifest``. ``provenance`` reads
    what BuildKit said of the build in the index, and raises what reading it raises.
    """

    platform: str
    layers: tuple[StoredLayer, ...]
    instructions: tuple[str, ...]
    config: Json = field(default_factory=dict)
    manifest: Json = field(default_factory=dict)
    digests: Digests = field(default_factory=Digests)
    provenance: Callable[[], bytes | None] = no_provenance


class Blobs(Protocol):
    """Where blobs are found by their digest."""

    def read(self, digest: str) -> bytes:
        """Return a small one."""

    def manifest(self, digest: str) -> bytes:
        """Return a manifest or index."""

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a large one."""


class RegistryBlobs:
    """Blobs of one repository. All methods raise ``RegistryError``."""

    def __init__(self, registry: Registry, reference: Reference) -> None:
        self._registry, self._reference = registry, reference

    def read(self, digest: str) -> bytes:
        """Return a configuration, of which the bytes are those of the digest."""
        return self._registry.config(self._reference, digest)

    def manifest(self, digest: str) -> bytes:
        """Return a manifest or index, of which the bytes are those of the digest."""
        return self._registry.manifest(self._reference.at(digest)).data

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a layer's bytes; at the end they are known to be those of its digest."""
        return self._registry.blob(self._reference, digest)


class FileBlobs:
    """Blobs of an image layout or of an archive."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def read(self, digest: str) -> bytes:
        """Return a small one, of which the bytes are those of the digest."""
        name = _blob_name(digest)
        return b"".join(_verified(digest, name, pieces_of(self._files, name, MOST_JSON)))

    def manifest(self, digest: str) -> bytes:
        """Return a manifest or index, of which the bytes are those of the digest."""
        return self.read(digest)

    def stream(self, digest: str) -> Iterator[bytes]:
        """Yield a layer's bytes; at the end they are known to be those of its digest."""
        name = _blob_name(digest)
        return _verified(digest, name, pieces_of(self._files, name))


def from_registry(registry: Registry, reference: Reference, platform: str = "") -> ImageFiles:
    """Return the image at a reference; of several platforms the named or else the first one.

    Raises:
        ParseError: it is no image, or has no such platform.
        RegistryError: the registry did not give it.
    """
    blobs = RegistryBlobs(registry, reference)
    first = registry.manifest(reference)
    return _found(first.document, first.digest, blobs, platform, str(reference))


@contextmanager
def from_path(path: Path, platform: str = "") -> Iterator[ImageFiles]:
    """Have the image of a layout's directory or of an archive while the block runs.

    Raises:
        ParseError: it is neither, or has no such platform.
    """
    with opened(path) as files:
        yield _from_files(files, platform)


def _from_files(files: Files, platform: str) -> ImageFiles:
    """Read an OCI layout, or what ``docker save`` wrote before it wrote one."""
    blobs = FileBlobs(files)
    if not files.has("index.json"):
        return _from_docker(files)
    document = _object(_small(files, "index.json"), "index.json")
    return _found(document, "", blobs, platform, "index.json")


def _found(document: Json, digest: str, blobs: Blobs, platform: str, place: str) -> ImageFiles:
    """Follow indexes, which may lie in each other, to the manifest of one image."""
    index: Json = {}
    index_digest = ""
    for _ in range(_DEPTH):
        if not _is_index(document):
            files = _image(document, blobs, place)
            digests = Digests(files.digests.config, digest, index_digest)
            return replace(files, digests=digests, provenance=_provenance(index, digest, blobs))
        index, index_digest = document, digest
        digest = _chosen(document, platform, place)
        document = _object(blobs.manifest(digest), digest)
    raise ParseError(place, "indexes lie in each other too deeply")


def _provenance(index: Json, digest: str, blobs: Blobs) -> Callable[[], bytes | None]:
    attestation = attestation_of(index, digest)
    if not attestation:
        return no_provenance
    return partial(read_statement, attestation, blobs.manifest, blobs.read)


def _from_docker(files: Files) -> ImageFiles:
    place = "manifest.json"
    listed = load_json(_small(files, place), place, _LIMITS)
    first = as_dict(next(iter(as_list(listed)), None))
    config = _object(_small(files, as_text(first.get("Config"))), "the configuration")
    names = [as_text(name) for name in as_list(first.get("Layers"))]
    if len(names) > _MOST_LAYERS:
        raise ParseError(place, f"no image: it has {len(names)} layers")
    layers = tuple(StoredLayer(name, partial(pieces_of, files, name)) for name in names)
    instructions = _instructions(config, len(layers))
    return ImageFiles(platform_name(config), layers, instructions, config)


def _is_index(document: Json) -> bool:
    return as_text(document.get("mediaType")) in INDEX_MEDIA_TYPES or "manifests" in document


def _chosen(index: Json, platform: str, place: str) -> str:
    """Return the digest of one image; attestations, of which the platform is unknown, are none."""
    found = {
        as_text(item.get("digest")): platform_name(as_dict(item.get("platform")))
        for item in as_dicts(index.get("manifests"))
    }
    images = {digest: name for digest, name in found.items() if digest and name != _UNKNOWN}
    fitting = [d for d, name in images.items() if not platform or name in ("", platform)]
    if not fitting:
        has = ", ".join(sorted(images.values())) or "none"
        raise ParseError(place, f"no image for {platform or 'any platform'}; it has {has}")
    return fitting[0]


def _image(manifest: Json, blobs: Blobs, place: str) -> ImageFiles:
    digests = [as_text(item.get("digest")) for item in as_dicts(manifest.get("layers"))]
    described = as_dict(manifest.get("config"))
    config_digest = as_text(described.get("digest"))
    media_type = as_text(described.get("mediaType"))
    if not config_digest or len(digests) > _MOST_LAYERS:
        raise ParseError(place, f"no image: a manifest with {len(digests)} layers")
    if media_type and media_type not in CONFIG_MEDIA_TYPES:
        raise ParseError(place, f"no image: its configuration is of type {media_type[:100]}")
    config = _object(blobs.read(config_digest), config_digest)
    layers = tuple(StoredLayer(digest, partial(blobs.stream, digest)) for digest in digests)
    instructions = _instructions(config, len(layers), manifest)
    name, known = platform_name(config), Digests(config=config_digest)
    return ImageFiles(name, layers, instructions, config, manifest, known)


def _instructions(config: Json, count: int, manifest: Json | None = None) -> tuple[str, ...]:
    """Return the instruction of each layer, if the history tells of as many."""
    image = read_manifest(Image(digest="", platform="", media_type=""), manifest or {})
    made = [layer for layer in with_history(image, config).layers if not layer.empty]
    names = [as_written(layer.created_by) for layer in made]
    return tuple(names) if len(names) == count else ("",) * count


def _small(files: Files, name: str) -> bytes:
    return b"".join(pieces_of(files, name, MOST_JSON))


def _verified(digest: str, name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what a file has; at the end it is known to be what the digest is of."""
    algorithm, _, value = digest.partition(":")
    if algorithm not in _ALGORITHMS:
        raise ParseError(name, f"is named by {algorithm[:20]!r}, of which nothing is known")
    seen = hashlib.new(algorithm)
    for piece in pieces:
        seen.update(piece)
        yield piece
    if value != seen.hexdigest():
        raise ParseError(digest, f"the file's bytes are those of {algorithm}:{seen.hexdigest()}")


def _blob_name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _object(data: bytes, place: str) -> Json:
    return load_object(data, place, _LIMITS)


def read_contents(files: ImageFiles, limits: LayerLimits | None = None) -> Contents:
    """Read all layers of an image, the lowest first.

    Raises:
        ParseError: naming the layer: it cannot be read, or is more than the limits allow.
        RegistryError: the registry did not give it.
    """
    reader, builder = LayerReader(limits), ContentsBuilder()
    for layer in files.layers:
        builder.add(reader.entries(layer.open(), layer.name), layer.name)
    return builder.contents()


def told(contents: Contents, instructions: Sequence[str]) -> dict[str, Any]:
    """Return contents as JSON, with the instructions of layers in place of their numbers."""

    def of(layer: int) -> str:
        return instructions[layer] if layer < len(instructions) else ""

    return {
        "total_bytes": contents.total_bytes,
        "wasted_bytes": contents.wasted_bytes,
        "wasted": [
            {
                "path": waste.path,
                "bytes": waste.bytes,
                "reason": waste.reason.value,
                "instruction": of(waste.layer),
                "by": of(waste.by),
            }
            for waste in contents.wasted
        ],
        "tools": [asdict(tool) | {"instruction": of(tool.layer)} for tool in contents.tools],
    }
