"""What the name of a base image tells: distribution, runtime, variant, and whether it is official.

A name is all that is judged here. What it does not say is unknown, and not guessed.
"""

import re
from dataclasses import dataclass

from buildkit.registry import Reference
from buildkit.registry.reference import DOCKER_HUB

_DISTROLESS = "gcr.io/distroless/"
_VENDORS = {"cgr.dev/chainguard/": "wolfi", "registry.access.redhat.com/ubi": "ubi"}
_DISTRIBUTIONS = frozenset(
    {
        *("alpine", "amazonlinux", "archlinux", "busybox", "debian", "fedora", "opensuse"),
        *("photon", "rockylinux", "almalinux", "oraclelinux", "ubuntu", "wolfi-base"),
    }
)
_RELEASES = {
    "debian": ("stretch", "buster", "bullseye", "bookworm", "trixie", "sid"),
    "ubuntu": ("bionic", "focal", "jammy", "noble", "ubuntu"),
    "alpine": ("alpine",),
}
_RUNTIMES = {
    **{name: name for name in ("node", "python", "nginx", "golang", "ruby", "php", "rust")},
    **{name: "java" for name in ("eclipse-temurin", "openjdk", "amazoncorretto", "java")},
    "python3": "python",
}
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
_NODE_OF_DISTROLESS = re.compile(r"(nodejs|java|python)(\d+)(?:-|$)")
_CHANNELS = frozenset({"latest", "stable", "mainline", "lts", "current", "edge", "rolling"})


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag taken apart: ``22.4-bookworm-slim`` is version (22, 4) and variant ``bookworm-slim``.

    A tag like ``stable`` has a ``channel`` in the place of a version.
    """

    version: tuple[int, ...]
    channel: str
    variant: str

    @classmethod
    def parse(cls, text: str) -> "Tag":
        """Take a tag apart; what is neither version nor channel is all variant."""
        first, _, rest = text.partition("-")
        found = _VERSION.fullmatch(first)
        if found:
            return cls(tuple(int(part) for part in found[1].split(".")), "", rest)
        if first in _CHANNELS:
            return cls((), first, rest)
        return cls((), "", text)


@dataclass(frozen=True, slots=True)
class Described:
    """What a name tells; empty is what it does not."""

    family: str
    runtime: str
    variant: str
    is_official: bool


def describe(reference: Reference) -> Described:
    """Return what the name of an image tells of it."""
    tag = Tag.parse(reference.tag)
    return Described(
        _family(reference, tag),
        runtime_of(reference.repository),
        tag.variant or tag.channel,
        is_official(reference),
    )


def is_official(reference: Reference) -> bool:
    """Tell whether it is of Docker's official images or of distroless; a mirror is not."""
    is_library = reference.host == DOCKER_HUB and reference.repository.startswith("library/")
    return is_library or f"{reference.name}/".startswith(_DISTROLESS)


def runtime_of(repository: str) -> str:
    """Return the language or server that a repository is named after, wherever it is kept."""
    last = repository.rpartition("/")[2]
    distroless = _NODE_OF_DISTROLESS.match(last)
    if distroless:
        return distroless[1].replace("nodejs", "node")
    return _RUNTIMES.get(last, "")


def _family(reference: Reference, tag: Tag) -> str:
    name, last = reference.name, reference.repository.rpartition("/")[2]
    if name.startswith(_DISTROLESS):
        return "distroless"
    for prefix, family in _VENDORS.items():
        if name.startswith(prefix):
            return family
    if last in _DISTRIBUTIONS:
        return last.removesuffix("-base")
    words = (tag.variant or "").split("-")
    for family, releases in _RELEASES.items():
        if any(word.rstrip("0123456789.") in releases for word in words):
            return family
    return ""
