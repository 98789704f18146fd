"""What changed from one bill to another."""

from collections import Counter
from dataclasses import dataclass

from sboms.models import PackageVersion, Sbom
from supplychain.sboms.differences import Change, Kind, changes


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes between two bills, and how many there are of each kind."""

    before: Sbom
    after: Sbom
    changes: list[Change]

    @property
    def counts(self) -> dict[str, int]:
        """How many packages changed, by kind; of those under another licence, all."""
        found = Counter(change.kind for change in self.changes)
        relicensed = sum(change.is_relicensed for change in self.changes)
        return {str(kind): found[kind] for kind in Kind} | {str(Kind.LICENCE): relicensed}


def compare(before: Sbom, after: Sbom) -> Difference:
    """Compare the packages of two bills."""
    return Difference(before, after, changes(_packages(before), _packages(after)))


def _packages(sbom: Sbom) -> list[PackageVersion]:
    return list(PackageVersion.objects.filter(listings__sbom=sbom))
