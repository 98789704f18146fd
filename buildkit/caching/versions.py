"""Which of two versions of a package is the older, by the rules of its ecosystem."""

import re
from enum import StrEnum

from packaging.version import InvalidVersion, Version
from semver import Version as SemanticVersion


class Ecosystem(StrEnum):
    """Where a package comes from, as package URLs name it."""

    NPM = "npm"
    PYPI = "pypi"
    DEB = "deb"


class NoVersionError(ValueError):
    """Text that is no version of its ecosystem."""

    def __init__(self, ecosystem: Ecosystem, version: str) -> None:
        super().__init__(f"{version[:80]!r} is no version of {ecosystem.value}")


def is_below(ecosystem: Ecosystem, version: str, bound: str) -> bool:
    """Tell whether ``version`` is older than ``bound``.

    npm: Semantic Versioning 2.0.0, where a prerelease is below its release; pypi: PEP 440; deb:
    deb-version(7).

    Raises:
        NoVersionError: one of them is no version.
    """
    if ecosystem is Ecosystem.NPM:
        return _semantic(version) < _semantic(bound)
    if ecosystem is Ecosystem.PYPI:
        return _pep440(version) < _pep440(bound)
    return _debian(version) < _debian(bound)


def is_version(ecosystem: Ecosystem, text: str) -> bool:
    """Tell whether a text is a version."""
    try:
        is_below(ecosystem, text, text)
    except NoVersionError:
        return False
    return True


def _semantic(text: str) -> SemanticVersion:
    try:
        return SemanticVersion.parse(text.strip().removeprefix("v"), optional_minor_and_patch=True)
    except ValueError as error:
        raise NoVersionError(Ecosystem.NPM, text) from error


def _pep440(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise NoVersionError(Ecosystem.PYPI, text) from error


_DEBIAN = re.compile(r"(?:(\d+):)?([\w.+~:-]+?)(?:-([\w+.~]+))?", re.ASCII)
_RUNS = re.compile(r"(\D*)(\d*)")

type _Runs = tuple[tuple[tuple[int, ...], int], ...]


def _debian(text: str) -> tuple[int, _Runs, _Runs]:
    """Return what sorts like a Debian version: epoch, upstream version, revision."""
    found = _DEBIAN.fullmatch(text.strip())
    if found is None or not re.match(r"\d", found[2]):
        raise NoVersionError(Ecosystem.DEB, text)
    return int(found[1] or 0), _runs(found[2]), _runs(found[3] or "0")


def _runs(text: str) -> _Runs:
    """Return runs of other characters and of digits in turn.

    In a run ``~`` sorts before its end, the end before letters, and letters before all else.
    """
    return tuple(
        ((*(_order(character) for character in other), 0), int(digits or 0))
        for other, digits in _RUNS.findall(text)
    )


def _order(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
