"""Which package a package is, whatever its version."""

from functools import lru_cache

from packageurl import PackageURL

from supplychain.reports.model import Package, TargetClass

IDENTITY_LIMIT = 2_000
"""Characters of an identity; those that are longer are cut."""

_CACHED = 8192


def package_identity(package: Package) -> str:
    """Return what stays the same of a package from version to version.

    Its package URL without version, qualifiers and subpath, ``pkg:deb/debian/openssl``; where the
    report has none that is valid, ``ecosystem:name``, and for packages of a language that lie in
    files of their own ``ecosystem:name:path``.
    """
    found = purl_identity(package.purl) if package.purl else ""
    if found:
        return found
    parts = [package.target.ecosystem, package.name]
    if package.target.target_class == TargetClass.LANGUAGE_PACKAGES and package.path:
        parts.append(package.path)
    return ":".join(parts)[:IDENTITY_LIMIT]


@lru_cache(maxsize=_CACHED)
def purl_identity(purl: str) -> str:
    """Return a package URL without version, qualifiers and subpath; empty if it is not valid."""
    parsed = parse_purl(purl)
    if parsed is None:
        return ""
    try:
        bare = PackageURL(parsed.type, parsed.namespace, parsed.name)
        return bare.to_string()[:IDENTITY_LIMIT]
    except ValueError:
        # A type that asks for a version, or a text that is no Unicode.
        return ""


@lru_cache(maxsize=_CACHED)
def parse_purl(purl: str) -> PackageURL | None:
    """Return the parts of a package URL; ``None`` if it is not valid."""
    try:
        return PackageURL.from_string(purl)
    except ValueError:
        return None
