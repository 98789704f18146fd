"""Bills of materials beside an image: where each lies, of what it is, and who has signed it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from buildkit.errors import ParseError
from buildkit.images import INDEX_MEDIA_TYPES, read_index
from buildkit.registry import Manifest, NotFoundError, Reference, Registry, WrongContentError
from buildkit.registry.reference import is_digest
from buildkit.values import as_dict, canonical_json
from supplychain.sboms.model import Sbom
from supplychain.sboms.reading import read_sbom
from supplychain.sboms.wrapping import is_predicate_type
from supplychain.signing.attached import MOST_BYTES, Attached, Store, attached_to
from supplychain.signing.checking import signers_of
from supplychain.signing.commands import Verifier
from supplychain.signing.cosign import Cosign

MOST_IMAGES = 20
"""Images of an index beside which bills are looked for."""

MOST_BILLS = 64
"""Of one image with all its platforms; what is beyond is told as a problem."""


class Place(StrEnum):
    """Where a bill lay."""

    INDEX = "index"
    TAG = "tag"
    REFERRER = "referrer"


class Signature(StrEnum):
    """What is known of a bill's signature."""

    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"
    """There is one, and nobody has looked whose it is."""
    FOREIGN = "foreign"
    """It is of none of the keys that it was checked with."""
    VERIFIED = "verified"


_PLACES = {
    Store.INDEX: Place.INDEX,
    Store.ATTESTATION_TAG: Place.TAG,
    Store.SIGNATURE_TAG: Place.TAG,
    Store.REFERRER: Place.REFERRER,
}


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill as it lies in the registry, read. ``data`` is it as it was signed, or as it is."""

    place: Place
    image_digest: str
    platform: str
    data: bytes
    read: Sbom
    signature: Signature
    signed_by: tuple[str, ...] = ()


@dataclass(slots=True)
class Bills:
    """What was found, and in words what of it cannot be taken."""

    found: list[Bill] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether no more is to be held at once."""
        held = sum(len(bill.data) for bill in self.found)
        return len(self.found) >= MOST_BILLS or held > MOST_BYTES


@dataclass(frozen=True, slots=True)
class Keys:
    """By which names signatures are looked for, and the program that checks them."""

    verifiers: Mapping[str, Verifier] = field(default_factory=dict)
    cosign: Cosign = field(default_factory=Cosign)


def bills_of(registry: Registry, reference: Reference, keys: Keys, platform: str = "") -> Bills:
    """Return the bills of an image: of an index with those of its images, or of one platform's.

    Raises:
        RegistryError: the registry does not answer, refuses, or does not have the image.
        SigningError: there is no cosign, or a key cannot be had.
    """
    bills = Bills()
    top = registry.manifest(reference)
    platforms = _platforms(top)
    for image in _images(registry, top, platforms, platform, bills):
        found = attached_to(registry, image)
        bills.refused += found.problems
        for item, of in _wanted(found.items, image.digest):
            if platform not in {"", platforms.get(of, "")}:
                continue
            if bills.is_full:
                bills.refused.append(f"{reference} has more SBOMs: {len(bills.found)} were read")
                return bills
            _take(registry, image.reference, item, of, platforms.get(of, ""), keys, bills)
    return bills


def _platforms(image: Manifest) -> dict[str, str]:
    """Return the platforms of an index by the digests of its images; nothing of another."""
    if image.media_type not in INDEX_MEDIA_TYPES:
        return {}
    return {item.digest: item.platform for item in read_index(image.document)}


def _images(
    registry: Registry, top: Manifest, platforms: Mapping[str, str], platform: str, bills: Bills
) -> Iterator[Manifest]:
    """Yield an image, and of an index those in it that are asked for."""
    yield top
    wanted = [
        digest for digest, own in platforms.items() if is_digest(digest) and platform in {"", own}
    ]
    if len(wanted) > MOST_IMAGES:
        bills.refused.append(f"{top.reference} has {len(wanted)} images: {MOST_IMAGES} were read")
    for digest in wanted[:MOST_IMAGES]:
        try:
            yield registry.manifest(top.reference.at(digest))
        except (NotFoundError, WrongContentError) as error:
            bills.refused.append(str(error))


def _wanted(items: list[Attached], digest: str) -> Iterator[tuple[Attached, str]]:
    """Yield bills with the digest that each has to be of.

    Of those that BuildKit made of one image it is the first: what follows is of earlier stages.
    """
    seen: set[str] = set()
    for item in items:
        if not is_predicate_type(item.statement.predicate_type):
            continue
        if item.store is not Store.INDEX:
            yield item, digest
        elif item.platform not in seen:
            seen.add(item.platform)
            yield item, item.platform


def _take(
    registry: Registry,
    reference: Reference,
    item: Attached,
    of: str,
    platform: str,
    keys: Keys,
    bills: Bills,
) -> None:
    """Add a bill, or why it is none of this image."""
    where = f"{item.store} {item.digest[:19]}"
    if not item.claims(of):
        said = ", ".join(item.statement.digests)
        bills.refused.append(f"{where}: the SBOM is of {said}, and not of {of}")
        return
    try:
        data = _data(registry, reference, item)
        read = read_sbom(data)
    except (ParseError, WrongContentError, NotFoundError) as error:
        bills.refused.append(f"{where}: {error}")
        return
    signature, signers = _checked(item, keys, bills.refused)
    bills.found.append(Bill(_PLACES[item.store], of, platform, data, read, signature, signers))


def _data(registry: Registry, reference: Reference, item: Attached) -> bytes:
    """Return what was signed in its envelope; what nobody signed as it lies there."""
    if item.bundle:
        return canonical_json(as_dict(item.bundle.get("dsseEnvelope")))
    return registry.config(reference, item.digest)


def _checked(item: Attached, keys: Keys, problems: list[str]) -> tuple[Signature, tuple[str, ...]]:
    """Tell whose a signature is, as far as there are keys or identities to check it with."""
    if not item.bundle:
        return Signature.UNSIGNED, ()
    fitting = {
        name: verifier
        for name, verifier in keys.verifiers.items()
        if item.has_certificate != bool(verifier.key)
    }
    if not fitting:
        return Signature.UNCHECKED, ()
    signers = signers_of(item, fitting, keys.cosign, problems)
    return (Signature.VERIFIED if signers else Signature.FOREIGN), signers
