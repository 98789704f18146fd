"""From the record that a run left to the build that everybody sees."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from buildkit.failure_classes import FailureClass
from buildkit.model import Problem
from buildkit.values import as_dict, as_text
from builds.models import Build
from farm.commands import target_of
from farm.endings import finish
from farm.heartbeat import Stop, Why
from farm.hiding import Hidden
from farm.models import BuildRequest
from farm.queueing import PIPELINE_NAME
from farm.updates import ENDS_WELL, is_of_changed, ref_of, run_of_changed
from ingest.digest import digest_payload
from ingest.models import PayloadKind
from ingest.services import accept_upload
from ingest.uploads import Part, Upload

log = structlog.get_logger(__name__)

SAID_LENGTH = 2000
VERBOSE_LENGTH = 32_000
UTF8_BYTES = 4
WORDLESS = "The command ended without a word."
_SHARED_PARTS = {"resources": "resources.jsonl", "context": "context.json"}
_WHOLE_PARTS = {"metadata": "metadata.json", "progress": "progress.rawjson"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the command ended; ``stop`` says why we ended it, if we did."""

    exit_code: int
    stop: Stop | None = None


def end_early(request: BuildRequest, stop: Stop) -> None:
    """End a request that was canceled or lasted too long; one that was taken away has ended."""
    if stop.why is Why.TIMED_OUT:
        finish(request, Build.Status.FAILED, FailureClass.TIMEOUT, stop.reason)
    elif stop.why is Why.CANCELED:
        finish(request, Build.Status.CANCELED, FailureClass.CANCELED, stop.reason)


def settle(request: BuildRequest, home: Path, outcome: Outcome) -> None:
    """Record what was built, and end the request."""
    hidden = Hidden.of_this_worker()
    for run in _runs(request, home):
        _ingest(run, hidden)
    if request.verbose_cache or request.base_to:
        said = _said(home, VERBOSE_LENGTH, hidden)
        BuildRequest.objects.filter(pk=request.pk).update(said=said)
    build = Build.objects.get(pk=request.pk)
    if outcome.stop is not None:
        end_early(request, outcome.stop)
    elif build.is_final:
        finish(request)
    elif outcome.exit_code in (ENDS_WELL if request.base_to else {0}):
        finish(request, Build.Status.SUCCEEDED)
    else:
        finish(request, Build.Status.FAILED, message=_said(home, SAID_LENGTH, hidden) or WORDLESS)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of Bake for a request: its record, and what that says of it.

    Of an update, one ``is_changed``: it is of what no commit has.
    """

    request: BuildRequest
    record: Path
    known: dict[str, Any]

    @property
    def began(self) -> str:
        """When, as its record says."""
        return str(self.known.get("started_at") or "")

    @property
    def is_changed(self) -> bool:
        """Whether it is of the changed tree."""
        return bool(self.request.base_to) and is_of_changed(self.known)


def _runs(request: BuildRequest, home: Path) -> Iterator[Run]:
    """Yield the runs to record: of each tree the last, as a broken cache makes two of one."""
    found = [Run(request, path, _load(path / "run.json")) for path in home.glob("records/*")]
    for is_changed in (False, True):
        runs = [run for run in found if run.is_changed == is_changed]
        if runs:
            yield max(runs, key=attrgetter("began"))


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _ingest(run: Run, hidden: Hidden) -> None:
    """Hand the record of each target to ingest, the service's own first: it finds its build."""
    request, known = run.request, run.known
    own = target_of(request.source)
    targets = list(known.get("refs") or {})
    for target in sorted(targets, key=lambda name: name != own) or [own]:
        is_own = target == own
        service = request.source.service.slug if is_own else hidden.text(_title(known, target))
        files = {"record": f"{target}.dockerbuild", **_SHARED_PARTS}
        if len(targets) < 2:  # else they tell of other targets, too
            files |= _WHOLE_PARTS
        parts, kept_back = _parts(run.record, files, hidden)
        if parts:
            fields = _fields(run, service, hidden) | _exports(known, target, hidden)
            upload = Upload(PayloadKind.BUILDKIT, fields, parts)
            accepted = accept_upload(project_id=request.project_id, actor=None, upload=upload)
            digest_payload(accepted.payload.pk)
        if is_own and kept_back and not run.is_changed:
            _note(request, kept_back)


def _title(known: dict[str, Any], target: str) -> str:
    return str((known.get("services") or {}).get(target) or target)


def _exports(known: dict[str, Any], target: str, hidden: Hidden) -> dict[str, str]:
    """Return where a target exports caches to, as the command has noted it."""
    specs = (known.get("cache_to") or {}).get(target) or ()
    return {"cache_to": hidden.text("\n".join(map(str, specs)))} if specs else {}


def _author(known: dict[str, Any], hidden: Hidden) -> dict[str, str]:
    """Return who wrote the commit, as the command has asked Git in the checkout."""
    author = hidden.text(as_text(as_dict(known.get("fields")).get("author")))[:200]
    return {"author": author} if author and "@" not in author else {}


def _parts(
    record: Path, files: dict[str, str], hidden: Hidden
) -> tuple[tuple[Part, ...], list[Problem]]:
    """Return what can be handed on, and what is kept back; a bundle cannot be masked."""
    parts, kept_back = [], []
    for name, file in files.items():
        path = record / file
        if not path.is_file() or not path.stat().st_size:
            continue
        why = _why_not(path, name, hidden)
        if why:
            kept_back.append(Problem(name, f"kept back: {why}"))
        else:
            data = path.read_bytes()
            mask = hidden.progress if name == "progress" else hidden.data
            data = data if name == "record" else mask(data)
            parts.append(Part(name, hidden.text(file), data))
    return tuple(parts), kept_back


def _why_not(path: Path, name: str, hidden: Hidden) -> str:
    size, limit = path.stat().st_size, settings.INGEST_MAX_BODY_BYTES
    if size > limit:
        return f"its {size} bytes are more than INGEST_MAX_BODY_BYTES, {limit}"
    if name == "record" and hidden.is_in_record(path.read_bytes()):
        return "it holds, or may hold, the value of a variable in BUILD_SECRETS"
    return ""


def _note(request: BuildRequest, kept_back: list[Problem]) -> None:
    """Say on the build's page why it tells less than others."""
    log.warning("record_kept_back", parts=[problem.path for problem in kept_back])
    build = Build.objects.get(pk=request.pk)
    build.problems = [*build.problems, *(asdict(problem) for problem in kept_back)]
    build.save(update_fields=["problems"])


def _fields(run: Run, service: str, hidden: Hidden) -> dict[str, str]:
    build = run.request.build
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
        **_author(run.known, hidden),
    }
    if run.is_changed:
        fields |= {"ref_name": ref_of(build.service, "after"), "revision": "", "author": ""}
        fields["pipeline_run_id"] = run_of_changed(build)
    return {name: value for name, value in fields.items() if value}


def _said(home: Path, length: int, hidden: Hidden) -> str:
    """Return the end of what the command said, masked."""
    # As many bytes as it may take to have more characters than are looked at.
    most = UTF8_BYTES * (hidden.needed(length) + 1)
    try:
        with (home.parent / "said.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            text = file.read().decode(errors="replace")
    except OSError:
        text = ""
    return hidden.ending(text.replace("\0", "").strip(), length)
