"""Provenance that BuildKit keeps beside an image: in its index, as a manifest of no platform.

As docs/attestations/attestation-storage.md of BuildKit says: a manifest with the annotation
``vnd.docker.reference.digest`` is of the image of that digest, and its layers are statements.
"""

from collections.abc import Callable

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_dict, as_dicts, as_text, load_object

_TYPE, _OF = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"
_PROVENANCE = "https://slsa.dev/provenance/"

type Read = Callable[[str], bytes]
"""Returns the bytes of a small blob or a manifest by its digest."""


def attestation_of(index: Json, digest: str) -> str:
    """Return the digest of the manifest with an image's attestations; empty if there is none."""
    for item in as_dicts(index.get("manifests")):
        notes = as_dict(item.get("annotations"))
        if notes.get(_TYPE) == "attestation-manifest" and notes.get(_OF) == digest:
            return as_text(item.get("digest"))
    return ""


def read_statement(digest: str, manifest: Read, blob: Read) -> bytes | None:
    """Return the provenance in a manifest of attestations; ``None`` if it has none.

    Raises:
        ParseError: the manifest is no JSON, or its provenance is of several parts.
    """
    document = load_object(manifest(digest), digest, Limits())
    found = [
        as_text(item.get("digest"))
        for item in as_dicts(document.get("layers"))
        if as_text(as_dict(item.get("annotations")).get(_PREDICATE)).startswith(_PROVENANCE)
    ]
    if len(found) > 1:
        raise ParseError(digest, f"{len(found)} statements of provenance for one image")
    return blob(found[0]) if found else None
