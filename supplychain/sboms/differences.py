"""What changed from the packages of one bill to those of another."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from supplychain.sboms.packages import full_name
from supplychain.versions.schemes import compare

Licences = tuple[str, ...]


class Kind(StrEnum):
    """What became of a package."""

    ADDED = "added"
    REMOVED = "removed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    CHANGED = "changed"
    """To another version, of which it is not known whether it is newer."""
    LICENCE = "licence"
    """The same version under another licence."""


class Listed(Protocol):
    """What is compared of a package."""

    @property
    def identity(self) -> tuple[str, str, str]: ...
    @property
    def version(self) -> str: ...
    @property
    def licences(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one package; a version is empty where there is none."""

    kind: Kind
    ecosystem: str
    namespace: str
    name: str
    before: str = ""
    after: str = ""
    licences_before: Licences = ()
    licences_after: Licences = ()

    @property
    def full_name(self) -> str:
        """Its name with its namespace."""
        return full_name(self.ecosystem, self.namespace, self.name)

    @property
    def is_relicensed(self) -> bool:
        """Whether it is in both under licences that differ, as far as both tell them."""
        told = self.licences_before and self.licences_after
        return bool(told) and self.licences_before != self.licences_after


def changes(before: Iterable[Listed], after: Iterable[Listed]) -> list[Change]:
    """Return what changed, by package.

    A package may be there in several versions. Those that are in both are the same; if one is left
    on each side, that one became the other, else they are added and removed.
    """
    old, new = _by_identity(before), _by_identity(after)
    return [
        change
        for identity in sorted(old.keys() | new.keys())
        for change in _of_package(identity, old.get(identity, {}), new.get(identity, {}))
    ]


def _by_identity(packages: Iterable[Listed]) -> dict[tuple[str, str, str], dict[str, Licences]]:
    found: dict[tuple[str, str, str], dict[str, Licences]] = defaultdict(dict)
    for package in packages:
        versions = found[package.identity]
        told = {*versions.get(package.version, ()), *package.licences}
        versions[package.version] = tuple(sorted(told))
    return found


def _of_package(
    identity: tuple[str, str, str], old: dict[str, Licences], new: dict[str, Licences]
) -> Iterator[Change]:
    for version in sorted(old.keys() & new.keys()):
        same = Change(Kind.LICENCE, *identity, version, version, old[version], new[version])
        if same.is_relicensed:
            yield same
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    if len(gone) == len(come) == 1:
        [one], [other] = gone, come
        yield Change(
            _direction(identity[0], one, other), *identity, one, other, old[one], new[other]
        )
        return
    for version in gone:
        yield Change(Kind.REMOVED, *identity, before=version, licences_before=old[version])
    for version in come:
        yield Change(Kind.ADDED, *identity, after=version, licences_after=new[version])


def _direction(ecosystem: str, one: str, other: str) -> Kind:
    order = compare(ecosystem, one, other)
    return {-1: Kind.UPGRADED, 1: Kind.DOWNGRADED}.get(order or 0, Kind.CHANGED)
