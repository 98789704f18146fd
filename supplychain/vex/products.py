"""Which image or package an identifier names."""

import re
from dataclasses import replace

from packageurl import PackageURL

from supplychain.reports.purls import parse_purl, purl_identity
from supplychain.vex.model import Product

IMAGE_TYPES = ("oci", "docker")
NARROWING = {"tag", "arch", "platform"}
"""Qualifiers by which an image is one of several of its name."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
NAME_LIMIT = 1_000


def product_of(name: str, purl: str = "", sha256: str = "") -> Product:
    """Return what a product's identifiers name; the package URL tells more than the name."""
    parsed = parse_purl(purl or name)
    digest = f"sha256:{sha256.lower()}" if sha256 else name.rpartition("@")[2]
    known_digest = digest if DIGEST.fullmatch(digest) else ""
    name = (name or purl)[:NAME_LIMIT]
    if parsed is None:
        return Product(name, image_digest=known_digest, is_known=bool(known_digest))
    if parsed.type in IMAGE_TYPES:
        return _image(name, parsed, known_digest)
    return Product(name, purl_identity(purl or name), version_of(parsed))


def within(product: Product, part: Product) -> Product:
    """Return a package in a product; of a product that is no image only its service can tell."""
    is_image = bool(product.image or product.image_digest)
    return replace(
        product,
        name=f"{product.name} › {part.name}"[:NAME_LIMIT],
        package=part.package,
        version=part.version,
        is_known=product.is_known and is_image,
        is_part_known=bool(part.package),
    )


def version_of(parsed: PackageURL) -> str:
    """Return a version as scanners write it: with the epoch of a Debian or RPM package."""
    version = parsed.version or ""
    qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
    epoch = qualifiers.get("epoch", "0")
    return f"{epoch}:{version}" if version and epoch not in ("", "0") else version


def _image(name: str, parsed: PackageURL, digest: str) -> Product:
    """Return an image; one that only a tag or a platform tells may be any, so it is not known."""
    version = parsed.version or ""
    qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
    repository = qualifiers.get("repository_url", "")
    own = "/".join(part for part in (parsed.namespace, parsed.name) if part)
    is_digest = bool(DIGEST.fullmatch(version))
    return Product(
        name,
        image=(repository or own)[:500],
        image_digest=version if is_digest else digest,
        is_known=is_digest or bool(digest) or not (version or NARROWING & qualifiers.keys()),
    )
