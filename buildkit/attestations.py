"""What BuildKit attests of an image: statements in its index, in manifests of no platform.

As docs/attestations/attestation-storage.md of BuildKit says: a manifest with the annotation
``vnd.docker.reference.digest`` is of the image of that digest, and its layers are statements.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_dicts, as_text, as_text_map, load_object

PROVENANCE = "https://slsa.dev/provenance/"
"""Begins the predicate types of provenance; a version follows."""

_TYPE, _OF = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"

type Read = Callable[[str], bytes]
"""Returns the bytes of a small blob or a manifest by its digest."""


@dataclass(frozen=True, slots=True)
class AttestationManifest:
    """A manifest in an index whose layers are statements about another image of it."""

    digest: str
    image_digest: str


def attestation_manifests(index: Json) -> list[AttestationManifest]:
    """Return the manifests of attestations that an index lists, in its order."""
    found = []
    for item in as_dicts(index.get("manifests")):
        notes = as_text_map(item.get("annotations"))
        if notes.get(_TYPE) == "attestation-manifest":
            found.append(AttestationManifest(as_text(item.get("digest")), notes.get(_OF, "")))
    return found


def attestation_of(index: Json, digest: str) -> str:
    """Return the digest of the manifest with an image's attestations; empty if there is none."""
    of_image = (item for item in attestation_manifests(index) if item.image_digest == digest)
    return next((item.digest for item in of_image), "")


def statements_in(manifest: Json) -> Iterator[tuple[str, str]]:
    """Yield predicate type and digest of each statement in a manifest of attestations."""
    for layer in as_dicts(manifest.get("layers")):
        if predicate_type := predicate_type_of(layer):
            yield predicate_type, as_text(layer.get("digest"))


def predicate_type_of(layer: Json) -> str:
    """Return of what type the statement in a layer is said to be; empty if nothing is said."""
    return as_text_map(layer.get("annotations")).get(_PREDICATE, "")


def read_statement(digest: str, manifest: Read, blob: Read) -> bytes | None:
    """Return the provenance in a manifest of attestations; ``None`` if it has none.

    Raises:
        ParseError: the manifest is no JSON, or its provenance is of several parts.
    """
    statements = statements_in(load_object(manifest(digest), digest, Limits()))
    found = [place for kind, place in statements if kind.startswith(PROVENANCE)]
    if len(found) > 1:
        raise ParseError(digest, f"{len(found)} statements of provenance for one image")
    return blob(found[0]) if found else None
