"""Which order the versions of an ecosystem have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version

from supplychain.versions.errors import InvalidVersionError
from supplychain.versions.maven import MavenKey
from supplychain.versions.semantic import GemKey, nuget_key, semantic_key
from supplychain.versions.systems import apk_key, debian_key, rpm_key

MAX_VERSION = 300
"""Characters of a version that is compared."""

_CACHED = 16_384


@dataclass(frozen=True, slots=True)
class Scheme:
    """An order of versions, with its name for people."""

    name: str
    make_key: Callable[[str], Any]

    def key(self, version: str) -> Any:
        """Return what sorts as the version does.

        Raises:
            InvalidVersionError: it is no version of this scheme.
        """
        return _key(self, version)


@lru_cache(maxsize=_CACHED)
def _key(scheme: Scheme, version: str) -> Any:
    if not version or len(version) > MAX_VERSION:
        raise InvalidVersionError(version[:MAX_VERSION])
    return scheme.make_key(version)


def _pypi_key(version: str) -> Any:
    try:
        return Version(version)
    except InvalidVersion as error:
        raise InvalidVersionError(version) from error


_SEMANTIC = Scheme("semantic versions", semantic_key)
_RPM = Scheme("RPM", rpm_key)

SCHEMES: Mapping[str, Scheme] = {
    "alpm": _RPM,
    "apk": Scheme("Alpine apk", apk_key),
    "cargo": _SEMANTIC,
    "deb": Scheme("Debian", debian_key),
    "gem": Scheme("RubyGems", GemKey),
    "golang": _SEMANTIC,
    "hex": _SEMANTIC,
    "maven": Scheme("Maven", MavenKey),
    "npm": _SEMANTIC,
    "nuget": Scheme("NuGet", nuget_key),
    "pub": _SEMANTIC,
    "pypi": Scheme("Python (PEP 440)", _pypi_key),
    "rpm": _RPM,
    "swift": _SEMANTIC,
}
"""By the type of package URLs."""


def scheme_of(ecosystem: str) -> Scheme | None:
    """Return the order of an ecosystem's versions; ``None`` if it is not known here."""
    return SCHEMES.get(ecosystem)


def compare(ecosystem: str, one: str, other: str) -> int | None:
    """Return -1, 0 or 1 as ``one`` is before, the same as or after ``other``.

    ``None`` if that is not known: of a foreign ecosystem, or of what is no version.
    """
    scheme = scheme_of(ecosystem)
    if scheme is None:
        return None
    try:
        first, second = scheme.key(one), scheme.key(other)
    except InvalidVersionError:
        return None
    if first == second:
        return 0
    return -1 if first < second else 1
