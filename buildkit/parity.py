"""What differs between two variants of an image, and what of that is drift.

Drift is a package of the second variant (the one that is shipped) whose version the first does not
have, or declared behaviour that the first lacks. Everything else, tools above all, may differ.
"""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from buildkit.values import Json, as_dict, as_list, as_text

LOCKED = ("npm", "pypi")
"""Ecosystems whose versions a project's own lock file decides."""

_MAX_LIST_BYTES = 50_000_000
_DPKG = re.compile(r"^Package: (\S+)$.*?^Version: (\S+)$", re.MULTILINE | re.DOTALL)

type Packages = Mapping[tuple[str, str], frozenset[str]]
"""Versions by ecosystem (npm, pypi, deb) and name; an image may hold several of one name."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What an image's configuration declares."""

    user: str
    ports: frozenset[str]
    volumes: frozenset[str]
    has_health_check: bool
    stop_signal: str

    @property
    def is_root(self) -> bool:
        """Whether it starts as root."""
        return self.user.partition(":")[0] in {"", "0", "root"}


@dataclass(frozen=True, slots=True)
class Image:
    """One variant: its name, bytes on disk, configuration and packages."""

    variant: str
    size_bytes: int
    behaviour: Behaviour
    packages: Packages


def read_behaviour(config: Json) -> Behaviour:
    """Read an image's configuration, as ``docker image inspect`` has it under ``Config``."""
    check = as_list(as_dict(config.get("Healthcheck")).get("Test"))
    return Behaviour(
        user=as_text(config.get("User")),
        ports=frozenset(as_dict(config.get("ExposedPorts"))),
        volumes=frozenset(as_dict(config.get("Volumes"))),
        has_health_check=bool(check) and check != ["NONE"],
        stop_signal=as_text(config.get("StopSignal")),
    )


def read_packages(archive: IO[bytes]) -> Packages:
    """Read the packages of an image's file system, given as a tar stream."""
    found: dict[tuple[str, str], set[str]] = {}
    with tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            for ecosystem, name, version in _packages_of(tar, member):
                found.setdefault((ecosystem, name), set()).add(version)
    return {key: frozenset(versions) for key, versions in found.items()}


def _packages_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[tuple[str, str, str]]:
    path = PurePosixPath(member.name)
    if path.suffix == ".dist-info" and member.isdir():
        name, _, version = path.stem.rpartition("-")
        yield "pypi", re.sub(r"[-_.]+", "-", name).lower(), version
    elif path.name == ".package-lock.json":
        yield from _npm(_text(tar, member))
    elif member.name == "var/lib/dpkg/status" or path.parent.name == "status.d":
        for match in _DPKG.finditer(_text(tar, member)):
            yield "deb", match[1], match[2]


def _npm(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield what npm's own lock of an installed tree names."""
    try:
        packages = as_dict(as_dict(json.loads(text)).get("packages"))
    except ValueError:
        return
    for path, item in packages.items():
        if version := as_text(as_dict(item).get("version")):
            yield "npm", path.rpartition("node_modules/")[2], version


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member) if member.isfile() else None
    return file.read(_MAX_LIST_BYTES).decode(errors="replace") if file else ""


def drift(first: Image, second: Image) -> list[str]:
    """Return in words what of ``second`` the other variant contradicts; nothing if they agree."""
    return [*_version_drift(first, second), *_behaviour_drift(first, second)]


def _version_drift(first: Image, second: Image) -> Iterator[str]:
    for (ecosystem, name), versions in sorted(second.packages.items()):
        other = first.packages.get((ecosystem, name), frozenset())
        if ecosystem in LOCKED and not versions <= other:
            has = f"{first.variant} has {', '.join(sorted(other)) or 'none'}"
            yield f"{ecosystem} {name} {', '.join(sorted(versions))} in {second.variant}, {has}"


def _behaviour_drift(first: Image, second: Image) -> Iterator[str]:
    one, two = first.behaviour, second.behaviour
    # Base images expose ports that nobody listens on: one in common is what a client needs.
    if two.ports and not one.ports & two.ports:
        yield f"{first.variant} exposes no port of {second.variant}: {', '.join(sorted(two.ports))}"
    if one.volumes != two.volumes:
        both = sorted(one.volumes ^ two.volumes)
        yield f"only one of them has a volume at {', '.join(both)}"
    for image in (first, second):
        if image.behaviour.is_root:
            yield f"{image.variant} starts as root"
        if not image.behaviour.has_health_check:
            yield f"{image.variant} has no health check"


def only_in(first: Image, second: Image) -> dict[str, list[str]]:
    """Return by ecosystem the names of packages that only ``first`` has."""
    names: dict[str, list[str]] = {}
    for ecosystem, name in sorted(first.packages.keys() - second.packages.keys()):
        names.setdefault(ecosystem, []).append(name)
    return names


def counts(packages: Packages) -> dict[str, int]:
    """Return the number of packages by ecosystem."""
    total: dict[str, int] = {}
    for ecosystem, _ in packages:
        total[ecosystem] = total.get(ecosystem, 0) + 1
    return total


def read_image(variant: str, inspected: Mapping[str, Any], archive: IO[bytes]) -> Image:
    """Read one variant from what the engine says of it, and from its file system."""
    return Image(
        variant=variant,
        size_bytes=int(inspected.get("Size") or 0),
        behaviour=read_behaviour(as_dict(inspected.get("Config"))),
        packages=read_packages(archive),
    )
