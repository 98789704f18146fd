"""What a registry holds, and changes of it (OCI distribution specification 1.1)."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from buildkit.images import INDEX_MEDIA_TYPES
from buildkit.registry.credentials import Credentials
from buildkit.registry.errors import NotFoundError, RegistryError, WrongContentError
from buildkit.registry.reference import Reference, check_host, check_repository, is_digest
from buildkit.registry.transport import RegistryLimits, Transport, read_bounded
from buildkit.values import Json, as_list, as_text

MANIFEST_MEDIA_TYPES = (
    *INDEX_MEDIA_TYPES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CHUNK_BYTES = 1024**2
_PULL, _PUSH, _DELETE = "pull", "pull,push", "delete,pull"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry keeps it; ``digest`` is that of its bytes."""

    reference: Reference
    data: bytes
    media_type: str
    digest: str

    @property
    def document(self) -> Json:
        """Its JSON.

        Raises:
            WrongContentError: it is no JSON object.
        """
        try:
            document = json.loads(self.data)
        except (ValueError, RecursionError) as error:
            raise WrongContentError(self.reference, "the manifest is not JSON") from error
        if not isinstance(document, dict):
            raise WrongContentError(self.reference, "the manifest is no JSON object")
        return document


class Registry:
    """One registry. All methods raise ``RegistryError`` of the kind that fits."""

    def __init__(
        self,
        host: str,
        credentials: Credentials | None = None,
        *,
        limits: RegistryLimits | None = None,
    ) -> None:
        check_host(host)
        self.host = host
        self.limits = limits or RegistryLimits()
        self._transport = Transport(host, credentials, self.limits)

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository; none of one that does not exist."""
        check_repository(repository, repository)
        path, place = f"{repository}/tags/list", f"{self.host}/{repository}"
        try:
            found = self._paged(path, "tags", place, _scope(repository, _PULL))
            return [as_text(tag) for tag in found]
        except NotFoundError:
            return []

    def manifest(self, reference: Reference) -> Manifest:
        """Return a manifest, of which the bytes are those of its digest."""
        headers = {"Accept": ", ".join(MANIFEST_MEDIA_TYPES)}
        path, scope = _manifest_path(reference), _scope(reference.repository, _PULL)
        with self._transport.asked("GET", path, reference, scope, headers=headers) as answer:
            data = read_bounded(answer, self.limits.manifest_bytes, reference)
            media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
            told = answer.headers.get("Docker-Content-Digest", "")
        digest = digest_of(data)
        if digest != (reference.digest or (told if is_digest(told) else digest)):
            raise WrongContentError(reference, f"the manifest's bytes are those of {digest}")
        return Manifest(reference, data, media_type, digest)

    def referrers(self, reference: Reference) -> list[Json]:
        """Return the descriptors of what refers to a manifest, which is named by its digest.

        Registries that do not know the question keep the list under a tag of the digest.
        """
        path = f"{reference.repository}/referrers/{reference.digest}"
        scope = _scope(reference.repository, _PULL)
        try:
            found = list(self._paged(path, "manifests", reference, scope))
        except NotFoundError:
            try:
                index = self.manifest(reference.tagged(reference.digest.replace(":", "-")))
            except NotFoundError:
                return []
            found = as_list(index.document.get("manifests"))
        return [item for item in found if isinstance(item, dict)]

    def blob_size(self, reference: Reference, digest: str) -> int | None:
        """Return the bytes of a blob in the reference's repository; ``None`` if it is missing."""
        path, scope = _blob_path(reference, digest), _scope(reference.repository, _PULL)
        try:
            with self._transport.asked("HEAD", path, reference.at(digest), scope) as answer:
                length = answer.headers.get("Content-Length", "")
        except NotFoundError:
            return None
        if not length.isdecimal():
            raise RegistryError(reference.at(digest), "the registry does not tell the blob's size")
        return int(length)

    def blob(self, reference: Reference, digest: str) -> Iterator[bytes]:
        """Yield a blob's bytes in pieces; at the end they are known to be those of its digest."""
        path, scope = _blob_path(reference, digest), _scope(reference.repository, _PULL)
        seen = hashlib.sha256()
        with self._transport.asked("GET", path, reference.at(digest), scope) as answer:
            for chunk in answer.iter_content(_CHUNK_BYTES):
                seen.update(chunk)
                yield chunk
        if digest != f"sha256:{seen.hexdigest()}":
            raise WrongContentError(reference.at(digest), "the blob's bytes are not of its digest")

    def config(self, reference: Reference, digest: str) -> bytes:
        """Return a small blob at once."""
        data = bytearray()
        for chunk in self.blob(reference, digest):
            data += chunk
            if len(data) > self.limits.config_bytes:
                most = self.limits.config_bytes
                raise WrongContentError(reference.at(digest), f"has more than {most} bytes")
        return bytes(data)

    def put_blob(self, reference: Reference, data: bytes) -> str:
        """Upload a blob to the reference's repository and return its digest."""
        digest, scope = digest_of(data), _scope(reference.repository, _PUSH)
        begin = f"{reference.repository}/blobs/uploads/"
        with self._transport.asked("POST", begin, reference, scope) as answer:
            place = answer.headers.get("Location", "")
        address = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        headers = {"Content-Type": "application/octet-stream"}
        with self._transport.asked("PUT", address, reference, scope, data=data, headers=headers):
            return digest

    def put_manifest(self, reference: Reference, data: bytes, media_type: str) -> str:
        """Let a tag or digest be that manifest and return its digest."""
        scope = _scope(reference.repository, _PUSH)
        headers = {"Content-Type": media_type}
        with self._transport.asked(
            "PUT", _manifest_path(reference), reference, scope, data=data, headers=headers
        ):
            return digest_of(data)

    def delete_manifest(self, reference: Reference) -> None:
        """Delete a manifest by its digest, and with it all tags that point to it."""
        if not reference.digest:
            raise ValueError(f"{reference} has no digest: a manifest is deleted by it")
        scope = _scope(reference.repository, _DELETE)
        path = f"{reference.repository}/manifests/{reference.digest}"
        with self._transport.asked("DELETE", path, reference, scope):
            return

    def _paged(self, path: str, name: str, place: object, scope: str) -> Iterator[Any]:
        """Yield the items of a list that may come in pages."""
        address, left = f"{path}?n={_PAGE}", self.limits.list_bytes
        for _ in range(self.limits.pages):
            with self._transport.asked("GET", address, place, scope) as answer:
                data = read_bounded(answer, self.limits.answer_bytes, place)
                following = answer.links.get("next", {}).get("url", "")
            left -= len(data)
            if left < 0:
                most = self.limits.list_bytes
                raise WrongContentError(place, f"has a list of more than {most} bytes")
            yield from as_list(_object(data, place).get(name))
            if not following:
                return
            address = following


def digest_of(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _object(data: bytes, place: object) -> Json:
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WrongContentError(place, "the registry's answer is not JSON") from error
    return document if isinstance(document, dict) else {}


def _scope(repository: str, actions: str) -> str:
    return f"repository:{repository}:{actions}"


def _manifest_path(reference: Reference) -> str:
    return f"{reference.repository}/manifests/{reference.locator}"


def _blob_path(reference: Reference, digest: str) -> str:
    if not is_digest(digest):
        raise WrongContentError(reference, f"{digest[:80]!r} is no sha256 digest")
    return f"{reference.repository}/blobs/{digest}"
