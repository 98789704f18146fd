"""Digesting a report of 5000 findings, against reading its JSON and COPY of the same rows.

The peer looks up and saves the same rows one by one with Django's ORM, as DefectDojo's importer
does; that importer itself, which also writes notes, endpoints and tags, cannot be installed here.
"""

import json
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from accounts.models import Project, User
from bench.database import count_queries
from bench.report import report, seconds
from buildinsights.copying import copy_rows
from builds.models import Service
from ingest.digest import digest_payload
from ingest.models import PayloadKind
from ingest.services import accept_upload
from ingest.uploads import Part, Upload
from security.models import Finding, Presence, Scan

FINDINGS = 5000
ROUNDS = 5
MOST_RATIO = 3.0
LEAST_GAIN = 10.0
DESCRIPTION = "A flaw was found in the parser of this library. " * 40
"""As long as those of real reports: 2 kB."""


def body(number: int, findings: int = FINDINGS) -> bytes:
    """A report of Trivy, schema 2, with nothing that is in another's."""
    found = [
        {
            "VulnerabilityID": f"CVE-{number}-{index}",
            "PkgName": f"package-{index % 700}",
            "PkgIdentifier": {"PURL": f"pkg:deb/debian/package-{index % 700}@1.{index}?arch=amd64"},
            "InstalledVersion": f"1.{index}",
            "FixedVersion": f"2.{index}" if index % 3 else "",
            "Status": "fixed" if index % 3 else "affected",
            "Severity": ("LOW", "MEDIUM", "HIGH", "CRITICAL")[index % 4],
            "SeveritySource": "debian",
            "Title": f"package-{index % 700}: overflow",
            "Description": DESCRIPTION,
            "PrimaryURL": f"https://avd.example/CVE-{number}-{index}",
            "Layer": {"Digest": f"sha256:{index % 9:064x}"},
            "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L", "V3Score": 7.5}},
            "References": [f"https://ref.example/{index}/{n}" for n in range(5)],
        }
        for index in range(findings)
    ]
    target = {"Target": "debian 12", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": found}
    return json.dumps(
        {"SchemaVersion": 2, "ArtifactName": "bench", "Results": [target], "CreatedAt": STARTED}
    ).encode()


STARTED = "2026-01-05T10:00:00Z"


def accept(project: Project, user: User, data: bytes, service: str) -> int:
    """Store a report and return its payload's key."""
    part = Part("report", "report.json", data)
    upload = Upload(PayloadKind.TRIVY, {"service": service}, (part,))
    return accept_upload(project_id=project.pk, actor=user, upload=upload).payload.pk


FOREIGN_KEYS = """
SELECT format('ALTER TABLE bench_%%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname,
    pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'
"""


def _add_foreign_keys(table: str) -> None:
    """Give a table's copy its foreign keys, which ``LIKE`` leaves out, to the real tables."""
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS, [table])
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


class Copies:
    """Tables like the real ones, with indexes and foreign keys, to which rows are copied."""

    def __init__(self, scan: Scan) -> None:
        self.rows: dict[str, tuple[list[str], list[Any]]] = {}
        wanted = {
            "security_finding": "service_id = %s",
            "security_presence": "lineage_id IN (SELECT id FROM security_lineage "
            "WHERE service_id = %s)",
            "security_findingevent": "finding_id IN (SELECT id FROM security_finding "
            "WHERE service_id = %s)",
        }
        with connection.cursor() as cursor:
            for table, condition in wanted.items():
                cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
                _add_foreign_keys(table)
                cursor.execute(
                    f"SELECT * FROM {table} WHERE {condition}",  # noqa: S608  # our own names
                    [scan.service_id],
                )
                columns = [column.name for column in cursor.description]
                self.rows[table] = (columns, cursor.fetchall())

    def read_and_copy(self, data: bytes) -> None:
        """Read the JSON and copy the rows to empty tables."""
        json.loads(data)
        with transaction.atomic():
            for table, (columns, rows) in self.rows.items():
                copy_rows(f"bench_{table}", columns, rows)

    def empty(self) -> None:
        """Take the rows away again."""
        with connection.cursor() as cursor:
            for table in self.rows:
                cursor.execute(f"TRUNCATE bench_{table}")


def save_one_by_one(data: bytes, scan: Scan, service: Service) -> None:
    """Read the JSON; look each finding up and save it and its presence by themselves."""
    json.loads(data)
    findings = list(Finding.objects.filter(service=scan.service_id))
    presences = {row.finding_id: row for row in Presence.objects.filter(lineage=scan.lineage_id)}
    with transaction.atomic():
        for finding in findings:
            presence = presences[finding.pk]
            known = Finding.objects.filter(service=service, key=finding.key).first()
            finding.pk = known.pk if known else None
            finding.service, finding.public_id = service, uuid4()
            finding.save()
            presence.pk, presence.finding = None, finding
            presence.save()
        transaction.set_rollback(True)


def digested(key: int) -> Scan:
    """Digest a payload and return its scan."""
    payload = digest_payload(key)
    if payload is None or payload.state != "done":
        raise RuntimeError("the benchmark's own report could not be digested")
    return Scan.objects.get(payload_link__payload=payload)


def run(project: Project, user: User) -> None:
    """Print ``scan_digest``, ``scan_digest_peer`` and ``scan_again``."""
    bodies = [body(number) for number in range(ROUNDS + 1)]
    keys = [accept(project, user, data, f"s{n}") for n, data in enumerate(bodies)]
    scan = digested(keys[0])
    copies = Copies(scan)
    times = []
    for key, data in zip(keys[1:], bodies[1:], strict=True):
        floor = seconds(partial(copies.read_and_copy, data))
        copies.empty()
        times.append((seconds(partial(digested, key)), floor))
    other = Service.objects.create(project=project, name="peer", slug="peer")
    peer = seconds(partial(save_one_by_one, bodies[0], scan, other))
    value, floor = (median(pair[n] for pair in times) for n in (0, 1))
    facts = {"findings": FINDINGS, "bytes": len(bodies[0])}
    report(
        "scan_digest",
        value=value,
        floor=floor,
        unit="s",
        target="ratio <= 3",
        ok=value <= MOST_RATIO * floor,
        floor_is="json.loads, and COPY of the same rows to tables with the same indexes and keys",
        **facts,
    )
    report(
        "scan_digest_peer",
        value=peer,
        floor=value,
        unit="s",
        target="ratio >= 10",
        ok=peer >= LEAST_GAIN * value,
        floor_is="scan_digest; the value: json.loads, then a lookup and two saves a finding",
        **facts,
    )
    _again(project, user, bodies[0], value, facts)


def _again(project: Project, user: User, data: bytes, first: float, facts: dict[str, int]) -> None:
    """A rescan that finds the same: it reads all and writes the scan alone."""
    later = data.replace(STARTED.encode(), b"2026-01-06T10:00:00Z")
    key = accept(project, user, later, "s0")
    before = (Finding.objects.count(), Presence.objects.count())
    taken = []
    queries = count_queries(lambda: taken.append(seconds(partial(digested, key))))
    if before != (Finding.objects.count(), Presence.objects.count()):
        raise RuntimeError("a rescan has written findings")
    report(
        "scan_again",
        value=taken[0],
        floor=first,
        unit="s",
        target="ratio <= 1",
        ok=taken[0] <= first,
        queries=queries,
        floor_is="scan_digest",
        **facts,
    )
