"""What a registry keeps beside an image: signatures and attestations in all forms there are.

cosign has kept them under the tags ``sha256-<digest>.sig`` and ``.att``, and keeps them as Sigstore
bundles that refer to the image (OCI referrers); BuildKit puts its own, unsigned, into the index.
A bill of materials may also refer to the image as it is, in no statement.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from buildkit.attestations import attestation_manifests
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.registry import Manifest, NotFoundError, Reference, Registry, WrongContentError
from buildkit.registry.client import digest_of
from buildkit.registry.reference import is_digest
from buildkit.values import Json, as_bytes, as_dict, as_dicts, as_text, load_object
from supplychain.intoto import (
    CYCLONEDX,
    SPDX,
    Statement,
    read_envelope,
    read_statement,
    statement_of,
)

MOST_ATTACHED = 64
"""Manifests and layers that are looked at; what is beyond is told as a problem."""

COSIGN_SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type of a signature that claims no more than the digest."""

MOST_BYTES = 256 * 1024**2
"""Of all layers together, as all are held at once; likewise."""

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_DSSE = "application/vnd.dsse.envelope.v1+json"
_IN_TOTO = "application/vnd.in-toto"
_UNDERSTOOD = (_BUNDLE_PREFIX, _SIMPLE_SIGNING, _DSSE, _IN_TOTO)
_BILLS = {
    "application/spdx+json": SPDX,
    "text/spdx+json": SPDX,
    "application/vnd.cyclonedx+json": CYCLONEDX,
}
"""Media types of bare bills of materials, with the predicate types that they would be."""

_SIGNATURE = "dev.cosignproject.cosign/signature"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_LIMITS = Limits(max_json_bytes=64 * 1024**2)


class Store(StrEnum):
    """Where something was found."""

    SIGNATURE_TAG = "signature tag"
    ATTESTATION_TAG = "attestation tag"
    REFERRER = "referrer"
    INDEX = "image index"


@dataclass(frozen=True, slots=True)
class Attached:
    """One signature or attestation: what it claims, and what cosign is to check.

    ``bundle`` is empty of what nobody signed. ``payload`` are the bytes that are signed, where
    they are not in the bundle. ``platform`` is the manifest of an index that BuildKit means.
    """

    store: Store
    digest: str
    manifest_digest: str
    statement: Statement
    bundle: Json = field(default_factory=dict)
    payload: bytes = b""
    platform: str = ""

    @property
    def is_signature(self) -> bool:
        """Whether it claims the digest alone."""
        return self.statement.predicate_type == COSIGN_SIGNATURE

    @property
    def has_certificate(self) -> bool:
        """Whether an identity, and not a key, is said to have signed it."""
        material = as_dict(self.bundle.get("verificationMaterial"))
        return bool(material.get("certificate") or material.get("x509CertificateChain"))

    @property
    def hint(self) -> str:
        """The SHA-256 of the public key that is said to have signed it, in hexadecimal."""
        material = as_dict(self.bundle.get("verificationMaterial"))
        return as_bytes(as_dict(material.get("publicKey")).get("hint")).hex()

    def claims(self, digest: str) -> bool:
        """Tell whether it is of that digest."""
        return digest in self.statement.digests


@dataclass(slots=True)
class Found:
    """What lies beside an image, and what of it cannot be read, in words."""

    items: list[Attached] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    bytes_read: int = 0


def attached_to(registry: Registry, image: Manifest) -> Found:
    """Return what the registry keeps beside an image.

    Raises:
        RegistryError: the registry does not answer, or refuses.
    """
    found = Found()
    for store, manifest in _manifests(registry, image.reference.at(image.digest), found):
        _read_layers(registry, store, manifest, found)
    for manifest, platform in _own_attestations(registry, image, found):
        _read_layers(registry, Store.INDEX, manifest, found, platform)
    return found


def _manifests(
    registry: Registry, reference: Reference, found: Found
) -> Iterator[tuple[Store, Manifest]]:
    """Yield the manifests beside an image, those that refer to it first."""
    tag = reference.digest.replace(":", "-")
    referring = (as_text(item.get("digest")) for item in registry.referrers(reference))
    places = [
        *((Store.REFERRER, reference.at(digest)) for digest in referring if is_digest(digest)),
        (Store.SIGNATURE_TAG, reference.tagged(f"{tag}.sig")),
        (Store.ATTESTATION_TAG, reference.tagged(f"{tag}.att")),
    ]
    for store, place in _bounded(places, found):
        if (manifest := _manifest(registry, place, found)) is not None:
            yield store, manifest


def _manifest(registry: Registry, reference: Reference, found: Found) -> Manifest | None:
    try:
        manifest = registry.manifest(reference)
        manifest.document.get("layers")
    except NotFoundError:
        return None
    except WrongContentError as error:
        found.problems.append(str(error))
        return None
    return manifest


def _own_attestations(
    registry: Registry, image: Manifest, found: Found
) -> Iterator[tuple[Manifest, str]]:
    """Yield the manifests that BuildKit made, with the digest of the image that each is of."""
    for item in _bounded(attestation_manifests(image.document), found):
        place = image.reference.at(item.digest)
        if is_digest(item.digest) and (manifest := _manifest(registry, place, found)) is not None:
            yield manifest, item.image_digest


def _bounded[T](items: list[T], found: Found) -> list[T]:
    if len(items) > MOST_ATTACHED:
        found.problems.append(
            f"{len(items)} things lie beside the image: {MOST_ATTACHED} were read"
        )
    return items[:MOST_ATTACHED]


def _read_layers(
    registry: Registry, store: Store, manifest: Manifest, found: Found, platform: str = ""
) -> None:
    """Read what is understood of a manifest's layers, and note what is broken."""
    for layer in _bounded(as_dicts(manifest.document.get("layers")), found):
        kind, digest = _kind_of(layer, store, manifest), as_text(layer.get("digest"))
        if not kind:
            continue
        path = f"{store} {manifest.digest[:19]}/{digest[:19]}"
        if found.bytes_read > MOST_BYTES:
            found.problems.append(f"{path}: not read, as more than {MOST_BYTES} bytes were")
            return
        try:
            data = registry.config(manifest.reference, digest)
            found.bytes_read += len(data)
            statement, bundle, payload = (
                (_bare_bill(kind, data, manifest, path), {}, b"")
                if kind in _BILLS
                else _read(kind, data, layer, path)
            )
        except (ParseError, WrongContentError, NotFoundError) as error:
            found.problems.append(str(error))
        else:
            found.items.append(
                Attached(store, digest, manifest.digest, statement, bundle, payload, platform)
            )


def _kind_of(layer: Json, store: Store, manifest: Manifest) -> str:
    """Return the media type of a layer that is understood; empty of another.

    A bare bill says only by the manifest that it is in what it is of, so it has to refer to that.
    """
    own = as_text(layer.get("mediaType"))
    if own.startswith(_UNDERSTOOD):
        return own
    said = (own, as_text(manifest.document.get("artifactType")))
    bare = (kind.partition(";")[0].strip() for kind in said)
    return next((kind for kind in bare if store is Store.REFERRER and kind in _BILLS), "")


def _bare_bill(kind: str, data: bytes, manifest: Manifest, path: str) -> Statement:
    """Return a bare bill as the statement that its manifest makes of it.

    Raises:
        ParseError: it is no JSON, or its manifest refers to nothing.
    """
    subject = as_text(as_dict(manifest.document.get("subject")).get("digest"))
    if not is_digest(subject):
        raise ParseError(path, "the manifest names no subject that the bill is of")
    return Statement(_BILLS[kind], (subject,), load_object(data, path, _LIMITS), {})


type _Read = tuple[Statement, Json, bytes]


def _read(kind: str, data: bytes, layer: Json, path: str) -> _Read:
    """Return statement, bundle and payload of a layer."""
    if kind.startswith(_BUNDLE_PREFIX):
        return _read_bundle(data, path)
    if kind == _DSSE:
        envelope = read_envelope(load_object(data, path, _LIMITS), path)
        bundle = _bundle({"publicKey": {"hint": ""}}, {"dsseEnvelope": envelope.as_json()})
        return statement_of(envelope, path), bundle, b""
    if kind == _SIMPLE_SIGNING:
        return read_simple_signing(data, path), _simple_bundle(data, layer), data
    return read_statement(data, path), {}, b""


def _read_bundle(data: bytes, path: str) -> _Read:
    document = load_object(data, path, _LIMITS)
    envelope = read_envelope(as_dict(document.get("dsseEnvelope")), path)
    media_type = as_text(document.get("mediaType")) or BUNDLE_TYPE
    bundle = {
        "mediaType": media_type,
        "verificationMaterial": as_dict(document.get("verificationMaterial")),
        "dsseEnvelope": envelope.as_json(),
    }
    return statement_of(envelope, path), bundle, b""


def read_simple_signing(data: bytes, path: str) -> Statement:
    """Return what cosign's first format claims, as a statement.

    Raises:
        ParseError: it is no such claim.
    """
    document = load_object(data, path, _LIMITS)
    critical = as_dict(document.get("critical"))
    digest = as_text(as_dict(critical.get("image")).get("docker-manifest-digest"))
    if as_text(critical.get("type")) != "cosign container image signature" or not digest:
        raise ParseError(path, "no signature of an image")
    noted = {name: as_text(value) for name, value in as_dict(document.get("optional")).items()}
    return Statement(COSIGN_SIGNATURE, (digest,), {}, noted)


def _simple_bundle(data: bytes, layer: Json) -> Json:
    """Return a signature of cosign's first format as a bundle."""
    noted = as_dict(layer.get("annotations"))
    material: Json = {"publicKey": {"hint": ""}}
    if certificate := as_text(noted.get(_CERTIFICATE)):
        encoded = base64.b64encode(_der(certificate)).decode()
        material = {"certificate": {"rawBytes": encoded}}
    signature = base64.b64encode(as_bytes(noted.get(_SIGNATURE))).decode()
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    message = {
        "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
        "signature": signature,
    }
    return _bundle(material, {"messageSignature": message})


def _bundle(material: Json, content: Json) -> Json:
    return {"mediaType": BUNDLE_TYPE, "verificationMaterial": material, **content}


def _der(pem: str) -> bytes:
    """Return the bytes of the first block of a PEM text."""
    lines = pem.strip().splitlines()
    end = next((number for number, line in enumerate(lines) if line.startswith("-----END")), 0)
    return as_bytes("".join(lines[1:end]))


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of a public key in PEM, as cosign names keys, in hexadecimal."""
    return digest_of(_der(pem)).removeprefix("sha256:")
