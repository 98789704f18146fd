"""From the record that a run left to the build that everybody sees."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.commands import target_of
from farm.endings import finish
from farm.models import BuildRequest
from farm.queueing import PIPELINE_NAME
from ingest.digest import digest_payload
from ingest.models import PayloadKind
from ingest.services import accept_upload
from ingest.uploads import Part, Upload

log = structlog.get_logger(__name__)

SAID_LENGTH = 2000
_SHARED_PARTS = {"resources": "resources.jsonl", "context": "context.json"}
_WHOLE_PARTS = {"metadata": "metadata.json", "progress": "progress.rawjson"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the command ended; ``reason`` says why we ended it, if we did."""

    exit_code: int
    reason: str = ""
    timed_out: bool = False


def settle(request: BuildRequest, home: Path, outcome: Outcome) -> None:
    """Record what was built, and end the request."""
    record = _record(home)
    known = _load(record / "run.json") if record else {}
    if record is not None:
        _ingest(request, record, known)
    build = Build.objects.get(pk=request.pk)
    if outcome.timed_out:
        finish(request, Build.Status.FAILED, FailureClass.TIMEOUT, outcome.reason)
    elif outcome.reason:
        finish(request, Build.Status.CANCELED, FailureClass.CANCELED, outcome.reason)
    elif build.is_final:
        finish(request)
    elif outcome.exit_code == 0:
        finish(request, Build.Status.SUCCEEDED)
    else:
        finish(request, Build.Status.FAILED, message=_said(home))


def _record(home: Path) -> Path | None:
    """Return the one record of the run."""
    return next(iter(sorted(home.glob("records/*"))), None)


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _ingest(request: BuildRequest, record: Path, known: dict[str, Any]) -> None:
    """Hand the record of each target to ingest, the service's own first: it finds its build."""
    own = target_of(request.source)
    targets = list(known.get("refs") or {})
    for target in sorted(targets, key=lambda name: name != own) or [own]:
        service = request.source.service.slug if target == own else _title(known, target)
        parts = _parts(record, target, alone=len(targets) < 2)
        if parts:
            upload = Upload(PayloadKind.BUILDKIT, _fields(request, service), parts)
            accepted = accept_upload(project_id=request.project_id, actor=None, upload=upload)
            digest_payload(accepted.payload.pk)


def _title(known: dict[str, Any], target: str) -> str:
    return str((known.get("services") or {}).get(target) or target)


def _parts(record: Path, target: str, *, alone: bool) -> tuple[Part, ...]:
    files = {"record": f"{target}.dockerbuild", **_SHARED_PARTS, **(_WHOLE_PARTS if alone else {})}
    found = ((name, file, record / file) for name, file in files.items())
    return tuple(
        Part(name, file, path.read_bytes())
        for name, file, path in found
        if path.is_file() and path.stat().st_size
    )


def _fields(request: BuildRequest, service: str) -> dict[str, str]:
    build = request.build
    fields = {
        "service": service,
        "variant": build.variant,
        "environment": build.environment,
        "repository_url": build.repository_url,
        "ref_name": build.ref_name,
        "revision": build.revision,
        "pipeline_name": PIPELINE_NAME,
        "pipeline_run_id": build.pipeline_run_id,
        "trigger": build.trigger,
    }
    return {name: value for name, value in fields.items() if value}


def _said(home: Path) -> str:
    """Return the command's last words: an error that came before anything was built."""
    try:
        text = (home.parent / "said.log").read_text(errors="replace")
    except OSError:
        text = ""
    return text.strip()[-SAID_LENGTH:] or "The command ended without a word."
