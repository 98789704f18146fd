"""A bill of materials becomes rows: itself, the packages that are new, and what lists what."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from buildinsights.copying import copy_rows
from builds.models import Service
from builds.services import lock_service
from sboms.models import PackageVersion, Sbom
from sboms.placing import place
from security.matching import Match, lineage_of
from supplychain.sboms import model

MOST_DIGESTS = 20
BATCH = 5000
SURER = (
    "",
    Sbom.Signature.UNSIGNED,
    Sbom.Signature.UNCHECKED,
    Sbom.Signature.FOREIGN,
    Sbom.Signature.VERIFIED,
)
"""What is known of signatures, the least first."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a bill beside what it says."""

    project_id: int
    sha256: str
    received_at: datetime
    image_name: str
    digests: list[str]
    source: str
    signature: str = ""
    signed_by: tuple[str, ...] = ()


@transaction.atomic
def record_sbom(
    *,
    arrival: Arrival,
    bill: model.Sbom,
    service: Service | None,
    found: Match | None,
    fields: Mapping[str, str],
) -> Sbom:
    """Keep a bill and return it; the same bytes of the same image are the same bill.

    Of an image that no build is known to have made, it waits for one.
    """
    sbom = _said(arrival, bill)
    if service is not None:
        lock_service(service)
    if service is not None and (found is not None or not arrival.digests):
        _belongs(sbom, service, found, fields)
    known = _known(sbom)
    if known is not None:
        return _surer(known, sbom)
    sbom.service = service
    sbom.save()
    is_in_use = sbom.lineage_id is not None and place(sbom)
    sbom.package_count = _list(sbom, bill, is_in_use=is_in_use)
    sbom.save(update_fields=["package_count"])
    return sbom


@transaction.atomic
def attach(*, sbom: Sbom, found: Match) -> None:
    """Give a bill that waited the build of its image."""
    lock_service(found.build.service)
    _belongs(sbom, found.build.service, found, {})
    sbom.service = found.build.service
    sbom.save()
    if place(sbom):
        sbom.listings.update(is_in_use=True)


def _said(arrival: Arrival, bill: model.Sbom) -> Sbom:
    """Return a bill that is not kept yet, with what it says of itself."""
    return Sbom(
        project_id=arrival.project_id,
        sha256=arrival.sha256,
        received_at=arrival.received_at,
        image_name=arrival.image_name[:500],
        digests=arrival.digests[:MOST_DIGESTS],
        source=arrival.source,
        signature=arrival.signature,
        signed_by=sorted(arrival.signed_by),
        format=bill.format,
        spec_version=bill.spec_version,
        name=bill.name[:500],
        tools=[tool[:200] for tool in bill.tools[:10]],
        created_at=bill.created_at,
        problems=list(bill.problems),
    )


def _belongs(sbom: Sbom, service: Service, found: Match | None, fields: Mapping[str, str]) -> None:
    """Note the lineage of a bill, and its image and build if they are known."""
    sbom.lineage = lineage_of(service, found, fields, platform="")
    sbom.image, sbom.build = (found.image, found.build) if found else (None, None)
    sbom.since = found.build.listed_at if found else sbom.received_at


def _known(sbom: Sbom) -> Sbom | None:
    same = Sbom.objects.filter(project=sbom.project_id, sha256=sbom.sha256, digests=sbom.digests)
    return (same if sbom.digests else same.filter(lineage=sbom.lineage)).first()


def _surer(known: Sbom, again: Sbom) -> Sbom:
    """Note what is known of a bill's signature now, if it is not less than before."""
    if SURER.index(again.signature) < SURER.index(known.signature):
        return known
    known.signature, known.source = again.signature, again.source
    known.signed_by = sorted({*known.signed_by, *again.signed_by})
    known.save(update_fields=["signature", "source", "signed_by"])
    if known.lineage_id is not None and place(known):
        known.listings.update(is_in_use=True)
    return known


def _list(sbom: Sbom, bill: model.Sbom, *, is_in_use: bool) -> int:
    """Keep what a bill lists, each once; return how many that are."""
    listed: dict[bytes, model.Package] = {}
    direct: dict[bytes, bool | None] = {}
    for package in bill.packages:
        key = key_of(package)
        listed.setdefault(key, package)
        direct[key] = max(direct.get(key), package.is_direct, key=(None, False, True).index)
    known = _versions(sbom.project_id, listed)
    copy_rows(
        "sboms_sbompackage",
        ("package_version_id", "sbom_id", "is_direct", "is_in_use"),
        sorted((pk, sbom.pk, direct[key], is_in_use) for key, pk in known.items()),
    )
    return len(known)


def key_of(package: model.Package) -> bytes:
    """Return 16 bytes that are the same for the same package under the same licence."""
    parts = (*package.identity, package.version, package.purl, package.supplier, *package.licences)
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]


def _versions(project_id: int, listed: Mapping[bytes, model.Package]) -> dict[bytes, int]:
    """Return the primary keys of packages; those that are new are kept, in one order for all."""
    known = _kept(project_id, listed)
    fresh = [_row(project_id, key, listed[key]) for key in sorted(listed) if key not in known]
    PackageVersion.objects.bulk_create(fresh, batch_size=BATCH, ignore_conflicts=True)
    return _kept(project_id, listed) if fresh else known


def _kept(project_id: int, listed: Mapping[bytes, model.Package]) -> dict[bytes, int]:
    rows = PackageVersion.objects.filter(project=project_id, key__in=list(listed))
    return {bytes(key): pk for key, pk in rows.values_list("key", "pk")}


def _row(project_id: int, key: bytes, package: model.Package) -> PackageVersion:
    return PackageVersion(
        project_id=project_id,
        key=key,
        ecosystem=package.ecosystem[:60],
        namespace=package.namespace[:500],
        name=package.name[:500],
        version=package.version[:500],
        purl=package.purl[:1000],
        licences=[text[:500] for text in package.licences],
        supplier=package.supplier[:500],
    )
