"""After a build: fetch the builder's own records and send them, without holding anybody up.

Whatever fails here is noted in the record and tried again after the next build.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from buildkit.bake import Plan, Target, read_plan
from buildkit.errors import ParseError
from buildkit.model import Build
from buildkit.reading import read_builds
from cli import outbox
from cli.engine import builder_is_here, buildx, export_record, history
from cli.errors import UsageError
from cli.planning import declared_values
from cli.posting import SENT_AT_ONCE, is_refused, posted, send_each
from cli.reading import builds_of
from cli.records import BUNDLE_SUFFIX, CONTEXT, PROGRESS, RESOURCES, Record, Run, all_records
from cli.scans import send_waiting
from cli.settings import Server, server

TIMEOUT_SECONDS = 20
TITLE_LABEL = "org.opencontainers.image.title"

RECORD_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the looks for the builder's record of a build that was ended."""

_SENDS_DOCKERFILE = "load build definition"
_SENDS_BAKE_FILE = "load local bake definitions"
"""The vertex is Bake's own: in the client's stream, in no record of a target."""


def collect_later(record: Record) -> None:
    """Start a process of its own that collects and sends, and do not wait for it."""
    with (record.path / "collect.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "cli", "collect", str(record.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def collect(record: Record) -> Run:
    """Export the builder's records of a run, once."""
    run = record.run()
    if run.collected:
        return run
    run = _with_plan(record, run)
    run = record.update(fields=declared_values(run.command) | run.fields)
    if not builder_is_here():
        record.file(RESOURCES).unlink(missing_ok=True)
    refs = record.refs() or _refs_of_failed(record, run)
    for target, ref in refs.items():
        output = record.file(_bundle(target))
        if not output.exists():
            export_record(ref, output)
    record.file(CONTEXT).write_text(json.dumps(_contexts(run)) + "\n")
    return record.update(refs=refs, collected=True)


def _with_plan(record: Record, run: Run) -> Run:
    """Add what the plan says of a run; it is read again, as nobody waits for it now."""
    if run.contexts:
        return run
    return remember_plan(record, plan_again(run))


def plan_again(run: Run) -> Plan:
    """Return what Bake would build if it ran again as it did."""
    return read_plan(buildx(*run.command, "--print"))


def remember_plan(record: Record, plan: Plan) -> Run:
    """Note in a record what its targets are."""
    targets = plan.targets.values()
    titles = {target.name: target.labels.get(TITLE_LABEL, "") for target in targets}
    return record.update(
        targets=list(titles),
        services={name: title for name, title in titles.items() if title},
        contexts={target.name: [target.context, target.dockerfile] for target in targets},
        cache_to={target.name: _exports(target) for target in targets if target.cache_to},
    )


def _exports(target: Target) -> list[str]:
    return [str(spec.without_secrets()) for spec in target.cache_to]


def _contexts(run: Run) -> dict[str, Any]:
    from buildkit.context import context_digests, is_local

    since = datetime.fromisoformat(run.started_at).timestamp()
    return {
        target: context_digests(Path(run.directory) / context, dockerfile, since)
        for target, (context, dockerfile) in run.contexts.items()
        if is_local(context)
    }


def _bundle(target: str) -> str:
    return f"{target or 'build'}{BUNDLE_SUFFIX}"


def _refs_of_failed(record: Record, run: Run) -> dict[str, str]:
    """Find the builder's records of a run that left no metadata.

    The builder writes the record of a canceled build a moment after its client has gone.
    """
    streams = {build.name_hint: _own_digests(build) for build in builds_of(record)}
    found: dict[str, str] = {}
    for pause in (0, *RECORD_PAUSES):
        time.sleep(pause)
        found |= _refs_by_steps(record, run, streams)
        if found.keys() == streams.keys():
            break
    return found


def _refs_by_steps(record: Record, run: Run, streams: Mapping[str, set[str]]) -> dict[str, str]:
    """Return those that began during the run, and hold a target's own steps.

    Another build of the same base may run at the same moment: sharing some steps says nothing.
    """
    found: dict[str, str] = {}
    scratch = record.file("candidate.dockerbuild")
    for ref in _ended_during(run):
        try:
            export_record(ref, scratch)
        except UsageError:
            continue  # deleted meanwhile: the builder keeps as many as it is told to
        target = _target_of(scratch.read_bytes(), streams)
        if target is not None and target not in found:
            found[target] = ref
            scratch.rename(record.file(_bundle(target)))
    scratch.unlink(missing_ok=True)
    return found


def _ended_during(run: Run) -> list[str]:
    """Return the builds that began during the run and have ended: others have no record yet."""
    first, last = run.started_at[:19], run.ended_at[:19]
    return [
        item["ref"]
        for item in history()
        if item.get("completed_at") and first <= str(item.get("created_at"))[:19] <= last
    ]


def _target_of(bundle: bytes, streams: Mapping[str, set[str]]) -> str | None:
    try:
        digests = {step.vertex_digest for step in read_builds(record=bundle)[0].steps}
    except (ParseError, IndexError):
        return None
    return next((name for name, own in streams.items() if own and own <= digests), None)


def _own_digests(build: Build) -> set[str]:
    """Return the vertices that tell a build from all others, or all of it if there are none.

    Sending the Dockerfile to the builder has a digest of its own in every run.
    """
    return {step.vertex_digest for step in build.steps if _SENDS_DOCKERFILE in step.name} or {
        step.vertex_digest for step in build.steps if _SENDS_BAKE_FILE not in step.name
    }


def send_spooled(to: Server) -> int:
    """Send what was collected and not sent yet, oldest first; return how many were sent."""
    return send_each("sending.lock", _waiting, lambda record: send(record, to))


def _waiting() -> list[Record]:
    newest = [record for record in all_records() if _waits(record.run())][:SENT_AT_ONCE]
    return newest[::-1]


def _waits(run: Run) -> bool:
    return run.collected and not is_refused(run.upload_error) and _unsent(run) != []


def _unsent(run: Run) -> list[str]:
    return [target for target in run.refs if target not in run.sent]


def send(record: Record, to: Server) -> str:
    """Send one record, a build at a time; return what went wrong, as ``post`` does."""
    run = record.run()
    for target in _unsent(run):
        error = _post(record, run, target, to)
        if error:
            record.update(upload_error=error)
            return error
        run = record.update(sent=[*run.sent, target], upload_error="")
    return ""


def _post(record: Record, run: Run, target: str, to: Server) -> str:
    parts = {"record": _bundle(target), "resources": RESOURCES, "context": CONTEXT}
    if len(run.refs) == 1:
        parts |= {"progress": PROGRESS}
    files = {name: data for name, file in parts.items() if (data := record.read(file))}
    if metadata := record.metadata_of(target):
        files["metadata"] = metadata
    service = run.services.get(target, target or Path(run.directory).name)
    own = {"service": service, "cache_to": "\n".join(run.cache_to.get(target, ()))}
    return post(files, {name: text for name, text in own.items() if text} | run.fields, to)


def send_files(paths: Sequence[Path], fields: Mapping[str, str], to: Server) -> str:
    """Send files of one build, told apart by what is in them; return what was sent."""
    files = {part_of(path): path.read_bytes() for path in paths}
    error = post(files, fields, to)
    if error:
        raise UsageError(error)
    return f"{', '.join(files)} sent."


def part_of(path: Path) -> str:
    """Name the part of the ingest API that a file is."""
    with path.open("rb") as file:
        head = file.read(4096)
    if path.suffix == BUNDLE_SUFFIX or (head.startswith(b"\x1f\x8b") and b"rawjson" not in head):
        return "record"
    if b'"vertexes"' in head:
        return "progress"
    if b"buildx.build" in head or b"containerimage." in head:
        return "metadata"
    return "provenance" if b"predicate" in head or b"buildType" in head else "resources"


def post(files: Mapping[str, bytes], fields: Mapping[str, str], to: Server) -> str:
    """Send one build; return what went wrong, ``refused …`` if trying again is of no use."""
    return posted(
        to,
        "ingest/buildkit/",
        TIMEOUT_SECONDS,
        data=dict(fields),
        files={name: (name, data) for name, data in files.items()},
    )


def finish(record: Record) -> str:
    """Collect a run and send what waits; return what to tell about it, if anything."""
    collect(record)
    to = server()
    if to is None:
        return ""
    send_spooled(to)
    send_waiting(to)
    outbox.send_waiting(to)
    return record.run().upload_error
