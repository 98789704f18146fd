"""What BuildKit attests of an image: statements beside the images of an index."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from buildkit.images import INDEX_MEDIA_TYPES, platform_name
from buildkit.registry.client import Registry
from buildkit.registry.reference import Reference, is_digest
from buildkit.values import Json, as_dict, as_dicts, as_text, as_text_map

_KIND, _SUBJECT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_ATTESTATION = "attestation-manifest"
_PREDICATE = "in-toto.io/predicate-type"


@dataclass(frozen=True, slots=True)
class Attestation:
    """One statement about one image of an index: where it is, and about what."""

    image_digest: str
    platform: str
    predicate_type: str
    digest: str
    """Of the blob that holds the in-toto statement."""


def attestations(
    registry: Registry, reference: Reference, is_wanted: Callable[[str], bool]
) -> Iterator[Attestation]:
    """Yield the attestations of an image with a predicate type that is wanted, in their order.

    An image that is no index has none.
    """
    index = registry.manifest(reference)
    if index.media_type not in INDEX_MEDIA_TYPES:
        return
    entries = as_dicts(index.document.get("manifests"))
    platforms = {
        as_text(entry.get("digest")): platform_name(as_dict(entry.get("platform")))
        for entry in entries
    }
    for entry in entries:
        notes = as_text_map(entry.get("annotations"))
        subject, own = notes.get(_SUBJECT, ""), as_text(entry.get("digest"))
        if notes.get(_KIND) != _ATTESTATION or not is_digest(own):
            continue
        manifest = registry.manifest(reference.at(own)).document
        for predicate_type, digest in _statements(manifest):
            if is_wanted(predicate_type):
                yield Attestation(subject, platforms.get(subject, ""), predicate_type, digest)


def _statements(manifest: Json) -> Iterator[tuple[str, str]]:
    for layer in as_dicts(manifest.get("layers")):
        predicate_type = as_text_map(layer.get("annotations")).get(_PREDICATE, "")
        if predicate_type:
            yield predicate_type, as_text(layer.get("digest"))
