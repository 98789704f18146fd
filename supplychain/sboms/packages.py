"""What formats share: packages by their package URLs, and what leads to them."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from packageurl import PackageURL

from supplychain.reports.purls import parse_purl
from supplychain.reports.values import NAME_LIMIT, bounded
from supplychain.sboms.model import Package

MAX_PACKAGES = 200_000
"""Packages of one document; a large image has some thousands."""

IMAGE_TYPES = ("oci", "docker")
"""Types of package URLs that name images."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ADDRESS = re.compile(r"\s*[<(][^<>()]*@[^<>()]*[>)]|\S+@\S+")
_KIND = re.compile(r"^(?:Organization|Person|Tool):\s*", re.IGNORECASE)
_NOT_SAID = {"NOASSERTION", "NONE"}


def package_of(
    *,
    ref: str,
    purl: str,
    name: str,
    version: str,
    licences: tuple[str, ...],
    supplier: str,
    namespace: str = "",
) -> Package | None:
    """Return a package; ``None`` for an image.

    What its package URL says goes before what the bill says beside it.
    """
    parsed = parse_purl(purl) if purl else None
    said = [text for text in licences if text not in _NOT_SAID]
    rest = {"purl": purl, "licences": tuple(dict.fromkeys(said)), "supplier": supplier_of(supplier)}
    if parsed is None:
        return Package(ref, "", namespace, name, version, **rest)  # type: ignore[arg-type]
    if parsed.type in IMAGE_TYPES:
        return None
    return Package(
        ref,
        bounded(parsed.type, NAME_LIMIT),
        bounded(parsed.namespace or "", NAME_LIMIT),
        bounded(parsed.name, NAME_LIMIT),
        _with_epoch(parsed, parsed.version or version),
        **rest,  # type: ignore[arg-type]
    )


def _with_epoch(parsed: PackageURL, version: str) -> str:
    qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
    epoch = qualifiers.get("epoch", "")
    is_said = epoch.isdecimal() and int(epoch[:9]) and ":" not in version
    return bounded(f"{epoch}:{version}" if is_said and version else version, NAME_LIMIT)


def full_name(ecosystem: str, namespace: str, name: str) -> str:
    """Return the name of a package with its namespace, as its ecosystem writes them."""
    return (":" if ecosystem == "maven" else "/").join(filter(None, (namespace, name)))


def supplier_of(text: str) -> str:
    """Return a name without its kind and any e-mail address, which is nobody's business here."""
    name = _ADDRESS.sub("", _KIND.sub("", text)).strip()
    return "" if name in _NOT_SAID else name


def image_digests(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the digests that texts hold, each once: bare, in references or in package URLs."""
    plain = (text.replace("%3A", ":").replace("%3a", ":") for text in texts)
    return tuple(dict.fromkeys(digest for text in plain for digest in _DIGEST.findall(text)))


def with_reach(
    packages: Iterable[Package], roots: Iterable[str], edges: Mapping[str, tuple[str, ...]]
) -> tuple[Package, ...]:
    """Return packages with whether they are needed directly.

    The way goes from the roots through what is no package, a lock file or a system, to packages;
    what only another package leads to is not direct.
    """
    packages = tuple(packages)
    known = {package.ref for package in packages if package.ref}
    beginnings = set(roots)
    reach = _reached(beginnings, edges, stops=known - beginnings)
    behind = _reached(reach & known - beginnings, edges, stops=set())
    return tuple(
        replace(package, is_direct=True)
        if package.ref in reach and package.ref not in beginnings
        else replace(package, is_direct=False)
        if package.ref in behind
        else package
        for package in packages
    )


def _reached(
    beginnings: set[str], edges: Mapping[str, tuple[str, ...]], stops: set[str]
) -> set[str]:
    found, waiting = set(beginnings), deque(beginnings)
    while waiting:
        for ref in edges.get(waiting.popleft(), ()):
            if ref not in found:
                found.add(ref)
                if ref not in stops:
                    waiting.append(ref)
    return found
