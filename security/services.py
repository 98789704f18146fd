"""Writes of scans."""

from datetime import datetime

from security.models import Scan
from supplychain.reports.model import Report


def new_scan(project_id: int) -> Scan:
    """Return a scan that is not kept yet."""
    return Scan(project_id=project_id)


def say(
    scan: Scan,
    report: Report,
    *,
    image_name: str,
    digests: list[str],
    received_at: datetime,
) -> None:
    """Put on a scan what its report says of itself."""
    artifact, scanner = report.artifact, report.scanner
    scan.image_name = (image_name or artifact.name)[:500]
    scan.digests = [digest[:80] for digest in digests]
    scan.format = report.format
    scan.scanner, scan.scanner_version = scanner.name[:60], scanner.version[:60]
    scan.database_version = scanner.database_version[:60]
    scan.database_updated_at = scanner.database_updated_at
    scan.os_name = " ".join(filter(None, (artifact.os_family, artifact.os_name)))[:120]
    scan.os_is_end_of_life = artifact.os_is_end_of_life
    # A clock that is ahead tells nothing.
    scan.scanned_at = min(report.created_at or received_at, received_at)
    scan.received_at = received_at
    scan.counts = report.counts()
    scan.distinct_vulnerabilities = report.distinct_vulnerabilities()
    scan.packages = len(report.packages)
    scan.problems = list(report.problems)
