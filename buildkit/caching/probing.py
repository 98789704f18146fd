"""Whether a registry can keep a cache: read, written to, and let go of again."""

import json
import secrets
from dataclasses import dataclass

from buildkit.registry import DeletesDisabledError, Reference, Registry, UnauthorizedError
from buildkit.registry.client import digest_of

OCI = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
PROBE = "buildinsights-probe"

BAKE = """\
cache-from = ["type=registry,ref={reference}"]
cache-to   = ["type=registry,ref={reference},mode=max"]
"""
"""What a target in the Bake file needs to use it."""


@dataclass(frozen=True, slots=True)
class Access:
    """What was tried, and whether the registry deletes; ``None`` if nothing was written."""

    reference: Reference
    deletes: bool | None

    def __str__(self) -> str:
        """Say what works."""
        tried = ["log in and read"]
        tried += [] if self.deletes is None else ["push"]
        tried += ["delete"] if self.deletes else []
        return f"{self.reference.name}: {', '.join(tried)}: yes"


def look(registry: Registry, reference: Reference) -> Access:
    """Log in and read: nothing is written.

    Raises:
        RegistryError: that does not work.
    """
    registry.tags(reference.repository)
    return Access(reference, None)


def probe(registry: Registry, reference: Reference) -> Access:
    """Read, push a small manifest under a tag of its own beside the reference, and delete it.

    Raises:
        RegistryError: reading or pushing does not work.
    """
    registry.tags(reference.repository)
    mark = json.dumps({"probe": secrets.token_hex(8)}).encode()
    tag = reference.tagged(f"{PROBE}-{secrets.token_hex(4)}")
    descriptor = {"mediaType": EMPTY, "digest": registry.put_blob(tag, mark), "size": len(mark)}
    manifest = {"schemaVersion": 2, "mediaType": OCI, "config": descriptor, "layers": [descriptor]}
    data = json.dumps(manifest).encode()
    registry.put_manifest(tag, data, OCI)
    try:
        registry.delete_manifest(tag.at(digest_of(data)))
    except (DeletesDisabledError, UnauthorizedError):
        return Access(reference, deletes=False)
    return Access(reference, deletes=True)
