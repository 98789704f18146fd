"""What we state ourselves about a service's newest images."""

from collections.abc import Iterator
from datetime import datetime

from builds.models import Service
from security.models import Finding, Kind, Presence, Waiver
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
    """Yield one statement a finding, about the package in each image that has it."""
    finding: Finding | None = None
    products: list[Product] = []
    for presence in _presences(service):
        if finding is not None and finding.pk != presence.finding_id:
            yield _statement(finding, products, now)
            products = []
        finding = presence.finding
        products += _products(presence)
    if finding is not None:
        yield _statement(finding, products, now)


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


def _statement(finding: Finding, products: list[Product], now: datetime) -> Statement:
    status, justification, said, at = _stand(finding, now)
    return Statement(
        vulnerability=finding.name,
        aliases=tuple(finding.aliases),
        products=tuple(products),
        status=status,
        justification=justification,
        said=said,
        stated_at=at,
    )


def _stand(finding: Finding, now: datetime) -> tuple[Status, str, str, datetime]:
    """Return what is stated of a finding: in the order in which its state is told."""
    stated, waiver = finding.statement, finding.waiver
    is_waived = waiver is not None and waiver.expires_at > now
    if stated and (finding.state == Finding.State.NOT_AFFECTED or not is_waived):
        return Status(stated.status), stated.justification, stated.statement, stated.stated_at
    if waiver and is_waived:
        is_false = waiver.kind == Waiver.Kind.FALSE_POSITIVE
        status = Status.NOT_AFFECTED if is_false else Status.AFFECTED
        return status, "", waiver.reason, waiver.approved_at or waiver.requested_at
    return Status.UNDER_INVESTIGATION, "", "", finding.reopened_at or finding.first_seen_at
