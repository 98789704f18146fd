"""Who has a package: first its versions, which are few, then the images that have them.

So the time depends on what is found, and not on how much is kept.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, F, Func, Value

from buildinsights.exceptions import DomainError
from sboms.models import PackageVersion, Sbom, SbomPackage
from sboms.querysets import SbomPackageQuerySet
from supplychain.reports.purls import parse_purl
from supplychain.versions.ranges import Range, is_within
from supplychain.versions.schemes import SCHEMES, scheme_of

MOST_VERSIONS = 5000
"""Versions, of all packages of the names asked for, that are compared."""

MOST_UNDECIDED = 20
PREFIX = "*"
ALL = Range()


class TooManyVersionsError(DomainError):
    """More versions have such a name than are compared at once."""

    code = "too_many_versions"
    message = "More than 5000 versions of packages have such names: name one, or its ecosystem."
    status_code = 400


class IsAnyOf(Func):
    """``value = ANY(array)``: one parameter, however long the array is."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    arity = 2
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for: packages of a name or of names that begin so, in a range, at a time."""

    name: str
    namespace: str | None = None
    ecosystem: str = ""
    wanted: Range = ALL
    at: datetime | None = None
    is_prefix: bool = False

    @classmethod
    def of(
        cls, text: str, *, ecosystem: str = "", wanted: Range | None = None, at: datetime | None
    ) -> "Query":
        """Read what people write: ``log4j-core``, ``log4*``, ``group:name``, a package URL."""
        wanted = wanted or ALL
        purl = parse_purl(text) if text.startswith("pkg:") else None
        if purl is not None:
            if purl.version and not wanted.bounds:
                wanted = Range((("=", purl.version),))
            return cls(purl.name, purl.namespace or "", purl.type, wanted, at)
        is_prefix = text.endswith(PREFIX)
        namespace, name = split_name(text.removesuffix(PREFIX))
        return cls(name, namespace, ecosystem, wanted, at, is_prefix)


def split_name(text: str) -> tuple[str | None, str]:
    """Return the namespace, ``None`` if it is not said, and the name of a package.

    A namespace ends at the last colon, as Maven writes it, or else slash.
    """
    for joint in (":", "/"):
        namespace, found, name = text.rpartition(joint)
        if found and name:
            return namespace, name
    return None, text


@dataclass(frozen=True, slots=True)
class Found:
    """Versions in projects that a search asks for, and those of which that cannot be told."""

    project_ids: tuple[int, ...]
    versions: tuple[int, ...]
    undecided: tuple[PackageVersion, ...]


def find_versions(project_ids: Collection[int], query: Query) -> Found:
    """Return the versions of packages that a search asks for.

    Raises:
        TooManyVersionsError: there are more than are compared at once.
    """
    rows = PackageVersion.objects.filter(project__in=project_ids)
    rows = rows.filter(**{f"name{'__startswith' if query.is_prefix else ''}": query.name})
    if query.namespace is not None:
        rows = rows.filter(namespace=query.namespace)
    if query.ecosystem:
        rows = rows.filter(ecosystem=query.ecosystem)
    candidates = list(rows[: MOST_VERSIONS + 1])
    if len(candidates) > MOST_VERSIONS:
        raise TooManyVersionsError
    told = [
        (row, is_within(row.version, query.wanted, scheme_of(row.ecosystem))) for row in candidates
    ]
    return Found(
        tuple(project_ids),
        tuple(row.pk for row, is_in in told if is_in),
        tuple(row for row, is_in in told if is_in is None),
    )


def listings(found: Found, at: datetime | None) -> SbomPackageQuerySet:
    """Return which images have versions, now or at a time."""
    return _in_use(found, found.versions, at).told()


def _in_use(found: Found, versions: Collection[int], at: datetime | None) -> SbomPackageQuerySet:
    rows = SbomPackage.objects.filter(package_version__in=versions)
    if at is None:
        return rows.filter(is_in_use=True)
    # With an array of known length both keys of the table bound the scan: history costs nothing.
    sboms = Sbom.objects.keys_in_use(found.project_ids, at)
    array = Value(sboms, output_field=ArrayField(BigIntegerField()))
    return rows.filter(IsAnyOf(F("sbom_id"), array))


def undecided_of(found: Found, at: datetime | None) -> list[dict[str, str]]:
    """Return versions in use that cannot be compared, each with the reason; the first of them."""
    rows = {row.pk: row for row in found.undecided}
    if not rows:
        return []
    in_use = _in_use(found, rows, at).order_by().values_list("package_version", flat=True)
    distinct = {
        (row.ecosystem, row.full_name, row.version) for row in map(rows.get, set(in_use)) if row
    }
    return [
        {"ecosystem": ecosystem, "name": name, "version": version, "reason": _reason(ecosystem)}
        for ecosystem, name, version in sorted(distinct)[:MOST_UNDECIDED]
    ]


def _reason(ecosystem: str) -> str:
    if ecosystem not in SCHEMES:
        return "The order of versions in this ecosystem is not known here."
    return f"It, or a bound, is no version of {SCHEMES[ecosystem].name}."
