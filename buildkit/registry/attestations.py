"""The attestations of an image in a registry, each with the image that it is of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from buildkit.attestations import attestation_manifests, statements_in
from buildkit.images import INDEX_MEDIA_TYPES, read_index
from buildkit.registry.client import Registry
from buildkit.registry.reference import Reference, is_digest


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
    platforms = {image.digest: image.platform for image in read_index(index.document)}
    for item in attestation_manifests(index.document):
        if not is_digest(item.digest):
            continue
        manifest = registry.manifest(reference.at(item.digest)).document
        platform = platforms.get(item.image_digest, "")
        for predicate_type, digest in statements_in(manifest):
            if is_wanted(predicate_type):
                yield Attestation(item.image_digest, platform, predicate_type, digest)
