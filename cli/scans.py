"""Scanners' reports kept beside the records of builds, and handed to the server.

A scan has a directory of its own among the records, with the report and what is known of it.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.posting import SENT_AT_ONCE, is_refused, posted_document, send_each
from cli.records import new_directory, records_dir, write_whole
from cli.settings import Server

SCAN = "scan.json"
REPORT = "trivy.json"

FREE_BYTES = 100_000_000
"""A report of a large image, with all its packages, takes some tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of one run of a scanner. Times are ISO 8601 in UTC; ``query`` are the
    parameters that the server gets.

    ``outcome`` is running, succeeded, failed or canceled; only a success has a report to send.
    """

    id: str
    directory: str
    command: list[str]
    started_at: str
    query: dict[str, str] = field(default_factory=dict)
    ended_at: str = ""
    outcome: str = "running"
    error: str = ""
    sent: bool = False
    upload_error: str = ""


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """The directory of a scan."""

    path: Path

    @property
    def report(self) -> Path:
        """Where the report is, or will be."""
        return self.path / REPORT

    def scan(self) -> Scan:
        """Return what is known of the scan."""
        return Scan(**json.loads((self.path / SCAN).read_text()))

    def save(self, scan: Scan) -> Scan:
        """Write what is known of the scan."""
        write_whole(self.path / SCAN, asdict(scan))
        return scan

    def update(self, **changes: object) -> Scan:
        """Change some of what is known of the scan."""
        return self.save(replace(self.scan(), **changes))  # type: ignore[arg-type]

    def end(self, outcome: str, error: str = "") -> None:
        """Note how the scan ended."""
        self.update(outcome=outcome, error=error, ended_at=datetime.now(UTC).isoformat())


def begin(query: Mapping[str, str]) -> ScanRecord:
    """Begin a record; where that cannot be, one that goes away: a full disk fails no scan."""
    try:
        return _begin(records_dir(), query)
    except OSError as error:
        click.echo(f"No record is kept of this scan: {error}", err=True)
        return _begin(Path(tempfile.mkdtemp(prefix="buildinsights-")), query)


def _begin(root: Path, query: Mapping[str, str]) -> ScanRecord:
    now = datetime.now(UTC)
    record = ScanRecord(new_directory(root, now))
    if root == records_dir() and shutil.disk_usage(root).free < FREE_BYTES:
        record.path.rmdir()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(root))
    record.save(Scan(record.path.name, str(Path.cwd()), [], now.isoformat(), dict(query)))
    return record


def all_scans() -> Iterator[ScanRecord]:
    """Yield the records of scans, newest first."""
    if not records_dir().is_dir():
        return
    for path in sorted(records_dir().iterdir(), reverse=True):
        if (path / SCAN).is_file():
            yield ScanRecord(path)


def send_waiting(to: Server) -> int:
    """Send the reports that were not sent yet, oldest first; return how many were sent."""
    return send_each("scans.lock", _waiting, lambda record: send(record, to))


def _waiting() -> list[ScanRecord]:
    newest = [record for record in all_scans() if _waits(record.scan())][:SENT_AT_ONCE]
    return newest[::-1]


def _waits(scan: Scan) -> bool:
    return scan.outcome == "succeeded" and not scan.sent and not is_refused(scan.upload_error)


def send(record: ScanRecord, to: Server) -> str:
    """Send one report; return what went wrong, as ``post`` does."""
    error = post(record.report.read_bytes(), record.scan().query, to)
    record.update(sent=not error, upload_error=error)
    return error


def post(data: bytes, query: Mapping[str, str], to: Server) -> str:
    """Send a report; return what went wrong, ``refused …`` if trying again is of no use."""
    return posted_document(to, "ingest/trivy/", data, query)


def is_report(data: bytes) -> bool:
    """Tell whether a file is a scanner's report: Trivy's JSON of both schemas, SARIF, CycloneDX.

    All of it is looked at, as the order of its names is not given.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False  # the parts of a build that are no single document are none
    if isinstance(document, list):
        return any(isinstance(item, dict) and "Target" in item for item in document)
    if not isinstance(document, dict):
        return False
    is_sarif = isinstance(document.get("runs"), list) and "version" in document
    is_trivy = "SchemaVersion" in document or {"Results", "ArtifactName"} <= document.keys()
    return is_trivy or is_sarif or document.get("bomFormat") == "CycloneDX"
