"""The vulnerability assessment: one report for auditors, the same on a page, as PDF and as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from accounts.models import Project
from policies.serializers import label_of
from reports.finding_changes import Moved, changes_of
from reports.newest_images import NewestImage, newest_images
from security.models import Finding, Severity, Waiver
from security.pages import origin_of
from security.remediation import RemediationForm, remediation_of
from security.waivers_page import covers_of

MOST_FINDINGS = 300
"""Findings that the report lists; the table as CSV has all of them."""

MOST_WAIVERS = 100

WORST = ("-severity", "-first_seen_at", "-pk")


@dataclass(frozen=True, slots=True)
class Scanner:
    """What the newest images were scanned with; the oldest scan and database bound what it knew."""

    name: str
    version: str
    images: int
    oldest_scan: datetime
    oldest_database: datetime | None


@dataclass(frozen=True, slots=True)
class SeverityLine:
    """How findings of a severity stand, what changed, and after how many days they are fixed."""

    severity: str
    open: int
    overdue: int
    came: int
    back: int
    went: int
    change: int
    median_days: int | None
    p90_days: int | None


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding that is open."""

    severity: str
    name: str
    title: str
    kind: str
    where: str
    service: str
    environments: str
    origin: str
    base: str
    fixed_version: str
    owner: str
    first_seen_at: datetime
    due_at: datetime | None
    is_overdue: bool
    is_known_exploited: bool | None


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """What may stay, until when, by the word of whom."""

    name: str
    covers: str
    kind: str
    reason: str
    requested_by: str
    approved_by: str
    approved_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ImageLine:
    """A newest image, and what is known of it; what nobody asked is empty or missing."""

    name: str
    digest: str
    built_at: datetime
    scanned_at: datetime | None
    policy: str
    verdict: str
    reason: str
    is_trusted: bool | None
    has_sbom: bool
    failing_checks: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of a project's vulnerabilities, how that was found out, and what was not."""

    project: str
    service: str
    environment: str
    first: date
    last: date
    made_at: datetime
    scanners: list[Scanner]
    severities: list[SeverityLine]
    due_in_a_week: int
    fixed: int
    median_days: int | None
    waived: int
    not_affected: int
    findings: list[FindingLine]
    waivers: list[WaiverLine]
    images: list[ImageLine]

    @property
    def open(self) -> int:
        """How many findings are open."""
        return sum(line.open for line in self.severities)

    @property
    def overdue(self) -> int:
        """How many of them are overdue."""
        return sum(line.overdue for line in self.severities)

    @property
    def left_off(self) -> int:
        """How many open findings are not listed."""
        return max(0, self.open - len(self.findings))

    @property
    def not_scanned(self) -> list[str]:
        """Newest images of which nobody knows what is in them."""
        return [image.name for image in self.images if image.scanned_at is None]

    @property
    def coverage(self) -> dict[str, int]:
        """Of how many newest images what is known."""
        return {
            "images": len(self.images),
            "scanned": sum(image.scanned_at is not None for image in self.images),
            "trusted": sum(image.is_trusted is True for image in self.images),
            "with_sbom": sum(image.has_sbom for image in self.images),
            "inspected": sum(image.failing_checks is not None for image in self.images),
            "passed": sum(image.verdict == "pass" for image in self.images),
        }


def assessment_of(project: Project, form: RemediationForm) -> Assessment:
    """Return the report on a project, or on what the form narrows it to."""
    said = form.cleaned_data
    service, environment = said.get("service") or "", said.get("environment") or ""
    first, last = form.period
    remediation = remediation_of(project, form)
    images = newest_images(project, service, environment)
    findings = findings_of(project, form)
    moved = changes_of(project, first, [service] if service else None, environment).moved
    return Assessment(
        project=project.name,
        service=service,
        environment=environment,
        first=first,
        last=last,
        made_at=timezone.now(),
        scanners=_scanners(images),
        severities=[_severity(row, remediation.speeds.get(row.severity)) for row in moved],
        due_in_a_week=remediation.due_in_a_week,
        fixed=remediation.whole.fixed,
        median_days=remediation.whole.median_days,
        waived=findings.in_state(Finding.State.WAIVED).count(),
        not_affected=findings.in_state(Finding.State.NOT_AFFECTED).count(),
        findings=list(lines_of(findings.open().order_by(*WORST)[:MOST_FINDINGS])),
        waivers=_waivers(project, service, environment),
        images=[_image(image) for image in images],
    )


def findings_of(project: Project, form: RemediationForm) -> Any:
    """Return the findings that the report is about, whatever their state."""
    rows: Any = Finding.objects.filter(project=project).told()
    if service := form.cleaned_data.get("service"):
        rows = rows.filter(service__slug=service)
    if environment := form.cleaned_data.get("environment"):
        rows = rows.filter(environments__contains=[environment])
    return rows


def lines_of(findings: Iterable[Finding]) -> Iterator[FindingLine]:
    """Yield what the report says of each finding."""
    for finding in findings:
        yield FindingLine(
            severity=Severity(finding.severity).label,
            name=finding.name,
            title=finding.title,
            kind=finding.get_kind_display(),
            where=finding.package or finding.resource,
            service=finding.service.name,
            environments=", ".join(filter(None, finding.environments)),
            origin=origin_of(finding),
            base=finding.base,
            fixed_version=finding.fixed_version,
            owner=finding.owner.username if finding.owner else "",
            first_seen_at=finding.first_seen_at,
            due_at=finding.due_at,
            is_overdue=finding.is_overdue,
            is_known_exploited=finding.is_known_exploited,
        )


def _scanners(images: Sequence[NewestImage]) -> list[Scanner]:
    found: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for image in images:
        if image.scan:
            found[image.scan.scanner, image.scan.scanner_version].append(image.scan)
    return [
        Scanner(
            name or "Not named",
            version,
            len(scans),
            min(scan.scanned_at for scan in scans),
            min(
                (scan.database_updated_at for scan in scans if scan.database_updated_at),
                default=None,
            ),
        )
        for (name, version), scans in sorted(found.items())
    ]


def _severity(row: Moved, speed: Any) -> SeverityLine:
    return SeverityLine(
        severity=row.severity.label,
        open=row.open,
        overdue=row.overdue,
        came=row.came,
        back=row.back,
        went=row.went,
        change=row.change,
        median_days=speed.median_days if speed else None,
        p90_days=speed.p90_days if speed else None,
    )


def _waivers(project: Project, service: str, environment: str) -> list[WaiverLine]:
    """Return the waivers in force, the first to end first: those of all services always."""
    rows = Waiver.objects.filter(project=project).in_state(Waiver.State.ACTIVE).told()
    shown = [
        waiver
        for waiver in rows.order_by("expires_at", "pk")
        if service in ("", _service_of(waiver)) or not _service_of(waiver)
        if environment in ("", waiver.environment) or not waiver.environment
    ]
    return [
        WaiverLine(
            name=waiver.name,
            covers=covers_of(waiver),
            kind=waiver.get_kind_display(),
            reason=waiver.reason,
            requested_by=str(waiver.requested_by or "somebody who has left"),
            approved_by=str(waiver.approved_by or "somebody who has left"),
            approved_at=waiver.approved_at,
            expires_at=waiver.expires_at,
        )
        for waiver in shown[:MOST_WAIVERS]
        if waiver.approved_at
    ]


def _service_of(waiver: Waiver) -> str:
    """Return the service that a waiver is about; empty if it is about all."""
    service = waiver.finding.service if waiver.finding else waiver.service
    return service.slug if service else ""


def _image(image: NewestImage) -> ImageLine:
    reasons = image.verdict.said["reasons"] if image.verdict else []
    return ImageLine(
        name=image.name,
        digest=image.digest,
        built_at=image.build.listed_at,
        scanned_at=image.scan.scanned_at if image.scan else None,
        policy=label_of(image.verdict) if image.verdict else "",
        verdict=image.verdict.outcome if image.verdict else "",
        reason=reasons[0]["message"] if reasons else "",
        is_trusted=image.verification.passed if image.verification else None,
        has_sbom=image.sbom is not None,
        failing_checks=image.failing if image.inspection else None,
    )
