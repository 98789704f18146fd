"""The order of versions of distributions: dpkg, RPM and pacman, and apk."""

import re
from typing import Any

from supplychain.versions.errors import InvalidVersionError

_DEBIAN = re.compile(r"(?:([0-9]+):)?([0-9A-Za-z.+~-]*?)(?:-([0-9A-Za-z.+~]*))?", re.ASCII)
_DEBIAN_PART = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_RPM = re.compile(r"(?:([0-9]+):)?([^\s:-]+)(?:-([^\s:]+))?", re.ASCII)
_RPM_PART = re.compile(r"~|\^|[0-9]+|[A-Za-z]+", re.ASCII)
_APK = re.compile(
    r"(?P<numbers>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~[0-9a-f]+)?(?:-r(?P<revision>[0-9]+))?",
    re.ASCII,
)
_APK_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)", re.ASCII)
_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")


def debian_key(version: str) -> Any:
    """Return the key of a Debian version: epoch, upstream version and revision (deb-version(7))."""
    found = _DEBIAN.fullmatch(version)
    if found is None or not found[2]:
        raise InvalidVersionError(version)
    return (int(found[1] or 0), _debian_parts(found[2]), _debian_parts(found[3] or ""))


def _debian_parts(text: str) -> tuple[Any, ...]:
    """Return texts and numbers in turn; the end is after a tilde and before all else.

    Nothing is the same as the number 0.
    """
    key: list[Any] = []
    for letters, digits in _DEBIAN_PART.findall(text or "0"):
        if letters or digits:
            key += [_debian_letters(letters), int(digits or 0)]
    return (*key, _debian_letters(""))


def _debian_letters(letters: str) -> tuple[int, ...]:
    """Return the places of characters: a tilde, the end, letters, all others."""
    places = (-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in letters)
    return (*places, 0)


def rpm_key(version: str) -> Any:
    """Return the key of ``epoch:version-release``, as RPM and pacman compare it."""
    found = _RPM.fullmatch(version)
    if found is None:
        raise InvalidVersionError(version)
    return (int(found[1] or 0), _rpm_parts(found[2]), _rpm_parts(found[3] or ""))


def _rpm_parts(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return parts in the order: a tilde, the end, a caret, words, numbers."""
    return (*(_rpm_part(part) for part in _RPM_PART.findall(text)), (1, 0, ""))


def _rpm_part(part: str) -> tuple[int, int, str]:
    if part in "~^":
        return (0 if part == "~" else 2, 0, "")
    return (4, int(part), "") if part.isdecimal() else (3, 0, part)


def apk_key(version: str) -> Any:
    """Return the key of an Alpine version.

    Where two part, a suffix of before the release comes first, then the end, the revision, a
    suffix of after it, a letter, and one more number.
    """
    found = _APK.fullmatch(version)
    if found is None:
        raise InvalidVersionError(version)
    first, *others = found["numbers"].split(".")
    key: list[tuple[int, int, int, str]] = [(5, 1, int(first), "")]
    key += [_apk_number(number) for number in others]
    if found["letter"]:
        key.append((4, 0, 0, found["letter"]))
    key += [_apk_suffix(*suffix) for suffix in _APK_SUFFIX.findall(found["suffixes"])]
    if found["revision"]:
        key.append((2, 0, int(found["revision"]), ""))
    return (*key, (1, 0, 0, ""))


def _apk_number(number: str) -> tuple[int, int, int, str]:
    """With a zero in front it is a fraction, and so before all that have none."""
    return (5, 0, 0, number) if number.startswith("0") else (5, 1, int(number), "")


def _apk_suffix(name: str, number: str) -> tuple[int, int, int, str]:
    if name in _BEFORE:
        return (0, _BEFORE.index(name), int(number or 0), "")
    return (3, _AFTER.index(name), int(number or 0), "")
