"""Builds recorded one by one: what is saved of each, and what a pipeline would tell of it."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder import engine
from recorder.bundle import contents, without_trace
from recorder.contexts import context_of
from recorder.plan import BuildPlan, Commit, offset_seconds
from recorder.repositories import Repository

RUN_ADDRESS = "https://ci.example.com/shop"
FILE_NAMES = {
    "record": "dockerbuild",
    "progress": "rawjson.gz",
    "metadata": "metadata.json",
    "context": "context.json.gz",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One build to record; ``offset`` is how many seconds before today's 00:00 UTC it starts,
    ``earlier_seconds`` before what its plan says.
    """

    repository: Repository
    commit: Commit
    revision: str
    plan: BuildPlan
    earlier_seconds: int = 0

    @property
    def offset(self) -> int:
        return offset_seconds(self.commit.at, self.plan.after_minutes) + self.earlier_seconds


def jobs_of(repositories: Iterable[Repository]) -> Iterator[Job]:
    """Yield the builds of each commit of each repository."""
    for repository in repositories:
        for commit, revision in zip(repository.history.commits, repository.revisions, strict=True):
            for plan in commit.builds:
                yield Job(repository, commit, revision, plan)


def record(
    job: Job, run: int, registry: engine.Registry, out: Path, forbidden: list[bytes]
) -> dict[str, Any]:
    """Build once, save what BuildKit emitted and return the entry for the index."""
    recorded = build(job, run, registry)
    return keep(job, run, recorded, registry, out, forbidden)


def build(job: Job, run: int, registry: engine.Registry) -> engine.Recorded:
    """Check out what is to be built, do what is planned before it, and build."""
    job.repository.checkout(job.revision)
    if job.plan.refreshed_base:
        note = f"rebuilt for run {run}"
        engine.refresh_base(registry, job.plan.refreshed_base, note, job.plan.base_growth_mib)
    if job.plan.lost_cache:
        engine.empty_cache()
    return engine.build(job.repository, job.revision, job.plan, registry)


def keep(
    job: Job,
    run: int,
    recorded: engine.Recorded,
    registry: engine.Registry,
    out: Path,
    forbidden: list[bytes],
) -> dict[str, Any]:
    """Save what a build left behind and return the entry for the index."""
    parts = {
        "record": without_trace(recorded.bundle),
        "progress": gzip.compress(recorded.progress, mtime=0) if recorded.progress else b"",
        "metadata": recorded.metadata if job.plan.progress else b"",
        "context": context_of(job.repository),
    }
    files = {}
    for part, data in parts.items():
        if data:
            _check(part, data, forbidden)
            files[part] = saved(out, f"{run}-{job.repository.history.service}", part, data)
    told = _described(job, run)
    if exported := engine.cache_to(job.repository.history, job.plan, registry):
        told["cache_to"] = exported
    return told | {"outcome": recorded.outcome, "files": files}


def saved(out: Path, stem: str, part: str, data: bytes) -> dict[str, Any]:
    """Write one part and return what the index has of it."""
    name = f"{stem}.{FILE_NAMES[part]}"
    (out / name).write_bytes(data)
    return {"name": name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


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
