"""From a stored report of a scanner to a scan and its findings."""

from buildkit.errors import ParseError
from ingest.models import IngestPayload, PayloadScan
from ingest.owners import service_of
from ingest.schemas import TrivyFields, parse_trivy_fields
from ingest.uploads import limits, plain, unpack
from security.matching import digests_of, match
from security.models import PrintKey, Scan
from security.narrowing import Stated
from security.recording import record_scan
from security.seen import is_inventory, kinds_of
from security.services import new_scan, say
from supplychain.reports.model import Report
from supplychain.reports.reading import read_report
from supplychain.reports.values import moment_of

NOT_SAID = "It has no vulnerability and may not have looked for any; scanners=vuln says it did."
MOST_FINDINGS = 200_000
"""Of one report: hundreds of times as many as images have, and a worker has minutes for one."""


def digest_trivy(payload: IngestPayload) -> None:
    """Read a report and keep what it says; without a build of its image it waits for one.

    Raises:
        ParseError: it cannot be read, or nothing tells of which service it is.
    """
    fields = parse_trivy_fields(payload.fields)
    report = report_of(payload)
    _check_length(report)
    digests = digests_of(report.artifact, fields.digest)
    found = match(payload.project_id, digests, report.artifact.platform)
    scan = _scan_of(payload)
    say(scan, report, image_name=fields.image, digests=digests, received_at=payload.received_at)
    _say_scanner(scan, fields)
    stated = stated_of(fields)
    scan.kinds = kinds_of(report, stated.scanners)
    if not stated.scanners and is_inventory(report):
        scan.problems = [*scan.problems, NOT_SAID]
    service = service_of(
        payload.project_id, fields.service, found, what="report", is_image=bool(digests)
    )
    if service is None or (found is None and digests):
        scan.service = service
        scan.save()
    else:
        group = fields.model_dump(include={"target", "variant", "environment"})
        record_scan(
            scan=scan, service=service, report=report, found=found, fields=group, stated=stated
        )
    PayloadScan.objects.update_or_create(payload=payload, defaults={"scan": scan})


def _check_length(report: Report) -> None:
    listed = (report.vulnerabilities, report.misconfigurations, report.secrets, report.licenses)
    if (count := sum(map(len, listed))) > MOST_FINDINGS:
        message = f"It lists {count} findings, and {MOST_FINDINGS} are the most that are kept."
        raise ParseError("report", message)


def _say_scanner(scan: Scan, fields: TrivyFields) -> None:
    """Put on a scan what its sender says of scanner and database, where the report is silent."""
    scan.scanner_version = scan.scanner_version or fields.scanner_version
    scan.database_version = scan.database_version or fields.database_version
    updated_at = scan.database_updated_at or moment_of(fields.database_updated_at)
    scan.database_updated_at = min(updated_at, scan.received_at) if updated_at else None


def report_of(payload: IngestPayload) -> Report:
    """Return the report that a payload holds; its secrets' prints are the project's.

    Raises:
        ParseError: it cannot be read.
    """
    bounds = limits()
    part = unpack(payload.parts, payload.body)["report"]
    prints, _ = PrintKey.objects.get_or_create(project_id=payload.project_id)
    return read_report(plain(part, bounds), key=bytes(prints.key), limits=bounds)


def _scan_of(payload: IngestPayload) -> Scan:
    """Return the scan that waited, if the payload is read again, or a new one."""
    link = PayloadScan.objects.select_related("scan").filter(payload=payload).first()
    return link.scan if link else new_scan(payload.project_id)


def stated_of(fields: TrivyFields) -> Stated:
    """Return how a report was made, as far as its sender says."""
    return Stated(
        scanners=tuple(filter(None, fields.scanners.split(","))),
        severities=tuple(filter(None, fields.severities.split(","))),
        ignore_unfixed={"true": True, "false": False}.get(fields.ignore_unfixed),
        package_types=tuple(filter(None, fields.pkg_types.split(","))),
    )
