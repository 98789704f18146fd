"""What we state ourselves about a service's newest images."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from builds.models import Service
from security.models import Finding, Kind, Presence, VexStatement, Waiver
from security.states import BRANCHES
from supplychain.vex.model import Document, Product, Statement, Status

MOST = 50_000
"""Findings in images that one document tells of; the worst first."""


def document_of(service: Service, now: datetime, identifier: str) -> Document:
    """Return statements about what is in a service's images in use, as it is known now.

    Statements of others are repeated, false positives are not affected, what was waived for
    another reason is affected with that as the action, and the rest is under investigation. A
    later document has a higher version.
    """
    return Document(
        format="",
        identifier=identifier,
        version=int(now.timestamp()),
        author=service.project.name,
        issued_at=now,
        statements=tuple(_statements(service, now)),
    )


def _statements(service: Service, now: datetime) -> Iterator[Statement]:
    """Yield statements a finding, about the package in each image that has it."""
    for _, presences in groupby(_presences(service), key=attrgetter("finding_id")):
        yield from _of_finding(list(presences), now)


def _of_finding(presences: list[Presence], now: datetime) -> Iterator[Statement]:
    """Yield what was stated of some of a finding's images, and what holds for the others."""
    finding = presences[0].finding
    about = [item for item in presences if _is_stated(item)]
    others = [item for item in presences if item not in about]
    for stated, some in ((finding.statement, about), (None, others)):
        if some:
            products = tuple(product for item in some for product in _products(item))
            yield _statement(finding, stated, products, now)


def _is_stated(presence: Presence) -> bool:
    """Tell whether a finding's statement is about an image; one that closes it is about all."""
    finding, lineage = presence.finding, presence.lineage
    if finding.statement is None or finding.state == Finding.State.NOT_AFFECTED:
        return finding.statement is not None
    return finding.statement.is_of(
        version=presence.installed_version, digests=lineage.digests, names=[lineage.image_name]
    )


def _presences(service: Service) -> Iterator[Presence]:
    rows = Presence.objects.filter(
        finding__service=service, finding__kind=Kind.VULNERABILITY, ended_at=None
    ).exclude(lineage__branch_class__in=BRANCHES)
    rows = rows.select_related("lineage", "finding__waiver", "finding__statement")
    return iter(rows.order_by("-finding__severity", "finding__pk", "pk")[:MOST])


def _products(presence: Presence) -> Iterator[Product]:
    """Yield the package in an image, once a version; without one if the report has none."""
    lineage = presence.lineage
    for version in presence.installed_version.split(", "):
        yield Product(
            name="",
            package=presence.finding.package,
            version=version,
            image=lineage.image_name,
            image_digest=lineage.image_digest,
        )


def _statement(
    finding: Finding, stated: VexStatement | None, products: tuple[Product, ...], now: datetime
) -> Statement:
    status, justification, said, at = _stand(finding, stated, now)
    return Statement(
        vulnerability=finding.name,
        aliases=tuple(finding.aliases),
        products=products,
        status=status,
        justification=justification,
        said=said,
        stated_at=at,
    )


def _stand(
    finding: Finding, stated: VexStatement | None, now: datetime
) -> tuple[Status, str, str, datetime]:
    """Return what is stated of a finding: in the order in which its state is told."""
    waiver = finding.waiver
    is_waived = waiver is not None and waiver.expires_at > now
    if stated and (finding.state == Finding.State.NOT_AFFECTED or not is_waived):
        return Status(stated.status), stated.justification, stated.statement, stated.stated_at
    if waiver and is_waived:
        is_false = waiver.kind == Waiver.Kind.FALSE_POSITIVE
        status = Status.NOT_AFFECTED if is_false else Status.AFFECTED
        return status, "", waiver.reason, waiver.approved_at or waiver.requested_at
    return Status.UNDER_INVESTIGATION, "", "", finding.reopened_at or finding.first_seen_at
