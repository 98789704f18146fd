"""Explaining a build of 300 steps against the one before, held to decoding the two alone."""

import json
from typing import Any

from accounts.models import Project
from bench.report import interleaved, report
from builds.models import Build
from cache.services import reasons_against
from ingest.digest import digest_payload
from ingest.models import PayloadKind
from ingest.services import accept_upload
from ingest.stored import read_stored
from ingest.uploads import Part, Upload

STEPS = 300
FILES = 2_000
ROUNDS = 15
TARGET_SECONDS = 0.3


def run(project: Project) -> None:
    """Print ``explain``: an instruction in the middle changed, and half of the steps ran for it."""
    before, after = _sent(project, 10, STEPS + 1), _sent(project, 11, STEPS // 2)
    explanation, reasons = reasons_against(after, before)
    if explanation.missing or len(reasons) != STEPS // 2:
        raise RuntimeError(f"{len(reasons)} reasons, missing {explanation.missing}")
    value, floor = interleaved(
        lambda: reasons_against(after, before),
        lambda: (read_stored(after), read_stored(before)),
        ROUNDS,
    )
    report(
        "explain",
        value=value,
        floor=floor,
        unit="s",
        target=f"<= {TARGET_SECONDS} s",
        ok=value <= TARGET_SECONDS,
        steps=STEPS,
        files=FILES,
        floor_is="decoding the records of both builds",
    )


def _sent(project: Project, hour: int, changed: int) -> Build:
    """Send a build of a chain of steps; those from ``changed`` on ran, the others were cached."""
    digests = [
        f"sha256:{hour if number >= changed else 0:02d}{number:062x}" for number in range(STEPS)
    ]
    texts = [f"RUN make {number}{' -v' if number == changed else ''}" for number in range(STEPS)]
    parts = {
        "progress": b"".join(
            json.dumps({"vertexes": [_vertex(digests, texts, number, hour, changed)]}).encode()
            + b"\n"
            for number in range(STEPS)
        ),
        "provenance": json.dumps(_provenance(digests, texts)).encode(),
        "context": json.dumps({"": _context()}).encode(),
    }
    upload = Upload(
        PayloadKind.BUILDKIT,
        {"service": "explained", "pipeline_run_id": str(hour)},
        tuple(Part(name, name, data) for name, data in parts.items()),
    )
    accepted = accept_upload(project_id=project.pk, actor=None, upload=upload)
    digest_payload(accepted.payload.pk)
    return Build.objects.get(payloads=accepted.payload.pk)


def _vertex(
    digests: list[str], texts: list[str], number: int, hour: int, changed: int
) -> dict[str, Any]:
    moment = f"2026-01-05T{hour}:{number // 60:02d}:{number % 60:02d}"
    return {
        "digest": digests[number],
        "inputs": digests[number - 1 : number] if number else [],
        "name": f"[build {number + 1}/{STEPS}] {texts[number]}",
        "started": f"{moment}.1Z",
        "completed": f"{moment}.9Z",
        "cached": number < changed,
    }


def _provenance(digests: list[str], texts: list[str]) -> dict[str, Any]:
    definition = [
        {
            "id": f"step{number}",
            "op": {"Op": {"exec": {"meta": {"args": ["sh", "-c", text], "env": ["PATH=/bin"]}}}},
            "inputs": [f"step{number - 1}:0"] if number else [],
        }
        for number, text in enumerate(texts)
    ]
    mapping = {digest: f"step{number}" for number, digest in enumerate(digests)}
    return {
        "buildType": "https://mobyproject.org/buildkit@v1",
        "buildConfig": {"llbDefinition": definition, "digestMapping": mapping},
    }


def _context() -> dict[str, Any]:
    files = {
        f"src/{number}.ts": {"sha256": f"{number:064x}", "size_bytes": 1, "mode": "0644"}
        for number in range(FILES)
    }
    return {"files_total": FILES, "files": files, "changed_since": []}
