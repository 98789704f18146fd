"""Digesting builds of 40 steps, against COPY of the same rows."""

import json
import uuid
from functools import partial
from statistics import median
from typing import Any

from django.db import connection, transaction

from accounts.models import Project, User
from bench.report import report, seconds
from buildinsights.copying import copy_rows
from ingest.digest import digest_payload
from ingest.models import PayloadBuild, PayloadKind
from ingest.services import accept_upload
from ingest.uploads import Part, Upload

STEPS = 40
ROUNDS = 60
WARM_UP = 10
TARGET = 0.35
TABLES = (
    "builds_build",
    "builds_step",
    "builds_steplog",
    "builds_stepbaseline",
    "ingest_payloadbuild",
)


def progress(number: int) -> bytes:
    """A build of forty steps, every fourth of which printed something."""
    digests = [f"sha256:{number:032x}{index:032x}" for index in range(STEPS)]
    vertexes = [
        {
            "digest": digest,
            "inputs": digests[max(0, index - 2) : index],
            "name": f"[build {index + 1}/{STEPS}] RUN step number {index}",
            "started": f"2026-01-05T10:00:{index:02d}.000000001Z",
            "completed": f"2026-01-05T10:00:{index + 1:02d}.5Z",
        }
        for index, digest in enumerate(digests)
    ]
    logs = [
        {
            "vertex": digest,
            "stream": 1,
            "data": "aGVsbG8gd29ybGQK" * 8,
            "timestamp": "2026-01-05T10:00:41Z",
        }
        for digest in digests[::4]
    ]
    return json.dumps({"vertexes": vertexes, "logs": logs}).encode()


def accept(project: Project, user: User, number: int) -> int:
    """Store a payload and return its key."""
    fields = {"service": "bench", "pipeline_run_id": str(number)}
    part = Part("progress", "progress.json", progress(number))
    upload = Upload(PayloadKind.BUILDKIT, fields, (part,))
    return accept_upload(project_id=project.pk, actor=user, upload=upload).payload.pk


class Copies:
    """Tables like the real ones, with their indexes, to which the rows of one build are copied."""

    def __init__(self, build_id: int) -> None:
        self.rows: dict[str, tuple[list[str], list[Any]]] = {}
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
                cursor.execute(self._select(table), [build_id])
                columns = [column.name for column in cursor.description]
                self.rows[table] = (columns, cursor.fetchall())

    @staticmethod
    def _select(table: str) -> str:
        condition = {
            "builds_build": "id = %s",
            "builds_stepbaseline": "%s > 0",
        }.get(table, "build_id = %s")
        return f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608

    def copy_once(self, number: int) -> None:
        """Copy all rows in one transaction, with keys of their own."""
        with transaction.atomic():
            for table, (columns, rows) in self.rows.items():
                copy_rows(
                    f"bench_{table}", columns, (self._fresh(columns, r, number) for r in rows)
                )

    @staticmethod
    def _fresh(columns: list[str], row: Any, number: int) -> list[Any]:
        changed: dict[str, Any] = {
            "id": number,
            "build_id": number,
            "service_id": number,
            "payload_id": number,
        }
        changed |= {"public_id": uuid.uuid4()}
        values = [changed.get(name, value) for name, value in zip(columns, row, strict=True)]
        return [
            json.dumps(value) if isinstance(value, dict) or name in JSON_LISTS else value
            for name, value in zip(columns, values, strict=True)
        ]


JSON_LISTS = {"runs", "failure_lines", "problems"}


def run(project: Project, user: User) -> None:
    """Print ``digest``."""
    keys = [accept(project, user, number) for number in range(ROUNDS + WARM_UP)]
    for key in keys[:WARM_UP]:
        payload = digest_payload(key)
        if payload is None or payload.state != "done":
            raise RuntimeError("the benchmark's own payload could not be digested")
    copies = Copies(PayloadBuild.objects.get(payload_id=keys[0]).build_id)
    copies.copy_once(1)
    times = [
        (seconds(partial(digest_payload, key)), seconds(partial(copies.copy_once, number)))
        for number, key in enumerate(keys[WARM_UP:], start=2)
    ]
    value, floor = 1 / median(t[0] for t in times), 1 / median(t[1] for t in times)
    ok = value >= TARGET * floor
    facts = {"steps": STEPS, "floor_is": "COPY of the same rows, one transaction a build"}
    report(
        "digest", value=value, floor=floor, unit="builds/s", target="ratio >= 0.35", ok=ok, **facts
    )
