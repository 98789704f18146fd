"""Record the demo data: build three small services over a history of commits with a real engine.

Run ``python demo/record.py --out demo/recordings``; README.md beside this file says what it
needs, what it does to the engine and what the recordings hold.
"""

import argparse
import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recorder import engine, packages
from recorder.bundle import contents, without_trace
from recorder.contexts import context_of
from recorder.histories import HISTORIES
from recorder.plan import BuildPlan, Commit, offset_seconds
from recorder.repositories import Repository, grow, midnight

SERVICES = Path(__file__).parent / "services"
FIRST_RUN = 4101
RUN_ADDRESS = "https://ci.example.com/shop"
FILE_NAMES = {
    "record": "dockerbuild",
    "progress": "rawjson.gz",
    "metadata": "metadata.json",
    "context": "context.json.gz",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One build to record; ``offset`` is how many seconds before today's 00:00 UTC it starts."""

    repository: Repository
    commit: Commit
    revision: str
    plan: BuildPlan

    @property
    def offset(self) -> int:
        return offset_seconds(self.commit.at, self.plan.after_minutes)


def main() -> None:
    """Read the options, prepare the services and record their builds in the order of time."""
    options = _options()
    if options.contexts:
        _add_contexts(options.out, options.workspace)
        return
    today = midnight(datetime.now(UTC))
    registry = engine.Registry(options.registry)
    options.out.mkdir(parents=True, exist_ok=True)
    for old in options.out.iterdir():
        old.unlink()
    repositories = _prepare(options.workspace, registry, today)
    jobs = sorted(_jobs(repositories), key=lambda job: -job.offset)[: options.limit]
    forbidden = [text.encode() for text in (str(SERVICES.resolve().parents[1]), *options.forbid)]
    index: dict[str, Any] = {"recorded_on": today.date().isoformat(), "builds": []}
    for number, job in enumerate(jobs):
        entry = _record(job, FIRST_RUN + number, registry, options.out, forbidden)
        index["builds"].append(entry)
        text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
        (options.out / "index.json").write_text(text)
        progress = f"{number + 1}/{len(jobs)}"
        _say(f"{progress} {entry['service']} {entry['outcome']}: {entry['subject']}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to fill; it is emptied")
    parser.add_argument("--registry", default="localhost:5000", help="has library/{node,...}")
    parser.add_argument("--workspace", type=Path, default=Path("/srv/ci"), help="for checkouts")
    parser.add_argument("--forbid", nargs="*", default=[], help="texts no recording may contain")
    parser.add_argument("--limit", type=int, help="record only the first builds")
    parser.add_argument("--contexts", action="store_true", help="only add contexts that lack")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _prepare(workspace: Path, registry: engine.Registry, today: datetime) -> list[Repository]:
    """Grow the repositories, publish bases and packages, and leave the engine with no cache."""
    images = {image for history in HISTORIES for image in history.bases.values()}
    engine.copy_bases(registry, sorted(images))
    repositories = []
    for history in HISTORIES:
        _say(f"{history.service}: {len(history.commits)} commits")
        if history.layer_cache:
            engine.refuse_layer_cache(registry, history.service)
        path = workspace / history.service
        shutil.rmtree(path, ignore_errors=True)
        repository = grow(history, SERVICES / history.service, path, today)
        with tempfile.TemporaryDirectory() as folder:
            packages.fetch(repository, Path(folder))
            engine.push_packages(registry, history.service, Path(folder))
        repositories.append(repository)
    engine.empty_cache()
    return repositories


def _jobs(repositories: list[Repository]) -> Iterator[Job]:
    for repository in repositories:
        for commit, revision in zip(repository.history.commits, repository.revisions, strict=True):
            for plan in commit.builds:
                yield Job(repository, commit, revision, plan)


def _record(
    job: Job, run: int, registry: engine.Registry, out: Path, forbidden: list[bytes]
) -> dict[str, Any]:
    """Build once, save what BuildKit emitted and return the entry for the index."""
    job.repository.checkout(job.revision)
    if job.plan.refreshed_base:
        engine.refresh_base(registry, job.plan.refreshed_base, f"rebuilt for run {run}")
    if job.plan.lost_cache:
        engine.empty_cache()
    recorded = engine.build(job.repository, job.revision, job.plan, registry)
    parts = {
        "record": without_trace(recorded.bundle),
        "progress": gzip.compress(recorded.progress, mtime=0) if recorded.progress else b"",
        "metadata": recorded.metadata,
        "context": context_of(job.repository),
    }
    files = {}
    for part, data in parts.items():
        if data:
            _check(part, data, forbidden)
            files[part] = _saved(out, f"{run}-{job.repository.history.service}", part, data)
    told = _described(job, run)
    if exported := engine.cache_to(job.repository.history, job.plan, registry):
        told["cache_to"] = exported
    return told | {"outcome": recorded.outcome, "files": files}


def _saved(out: Path, stem: str, part: str, data: bytes) -> dict[str, Any]:
    name = f"{stem}.{FILE_NAMES[part]}"
    (out / name).write_bytes(data)
    return {"name": name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _add_contexts(out: Path, workspace: Path) -> None:
    """Add the contexts of builds that were recorded before contexts were.

    A build gets one if its commit, grown once more, has the id that was recorded: then it is the
    same to the byte.
    """
    index = json.loads((out / "index.json").read_text())
    today = datetime.fromisoformat(index["recorded_on"]).replace(tzinfo=UTC)
    for history in HISTORIES:
        path = workspace / history.service
        shutil.rmtree(path, ignore_errors=True)
        repository = grow(history, SERVICES / history.service, path, today)
        for entry in index["builds"]:
            if entry["service"] == history.service and entry["revision"] in repository.revisions:
                repository.checkout(entry["revision"])
                stem = f"{entry['pipeline_run_id']}-{history.service}"
                saved = _saved(out, stem, "context", context_of(repository))
                entry["files"]["context"] = saved
    (out / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


def _described(job: Job, run: int) -> dict[str, Any]:
    """Return what a pipeline would tell of the build, and the subject of its commit."""
    service = job.repository.history.service
    return {
        "service": service,
        "variant": job.plan.variant,
        "environment": job.plan.environment,
        "repository_url": job.repository.url,
        "ref_name": job.commit.branch,
        "revision": job.revision,
        "change_id": job.commit.change_id,
        "pipeline_name": job.plan.pipeline,
        "pipeline_run_id": str(run),
        "pipeline_run_url": f"{RUN_ADDRESS}/{service}/runs/{run}",
        "trigger": job.plan.trigger,
        "offset_seconds": job.offset,
        "subject": job.commit.message,
        "author": job.commit.author.name,
    }


def _check(part: str, data: bytes, forbidden: list[bytes]) -> None:
    """Refuse a recording that names something of the machine it was made on."""
    texts = contents(data).values() if part == "record" else [data]
    for text in texts:
        for needle in forbidden:
            if needle in text:
                raise RuntimeError(f"the {part} contains {needle.decode()!r}")


if __name__ == "__main__":
    main()
