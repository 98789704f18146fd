"""Record builds with planted causes: a service each, built over its commits by a real engine.

Run ``python demo/record_planted.py --out demo/planted/recordings.zip``. The engine should be one
that nobody else uses: its build cache is emptied. ``DOCKER_HOST`` says which it is.
"""

import argparse
import json
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recorder import engine
from recorder.plan import History
from recorder.planted import BASE, NEIGHBOURS, PLANTED, history_of, neighbour_of
from recorder.recording import Job, build, jobs_of, keep
from recorder.repositories import grow, midnight

from buildkit.reading import read_builds  # recorder.contexts has put it on the path

SOURCE = Path(__file__).parent / "planted" / "service"
FIRST_RUN = 7001
HEAD_START_SECONDS = 4
"""Neighbours are asked for earlier by this, so that they are at work when the build begins."""


def main() -> None:
    """Record the services one after the other and pack what was recorded."""
    options = _options()
    today = midnight(datetime.now(UTC))
    registry = engine.Registry(options.registry, team="planted", platforms="linux/amd64")
    forbidden = [text.encode() for text in (str(SOURCE.resolve().parents[2]), *options.forbid)]
    options.folder.mkdir(parents=True, exist_ok=True)
    beside = [
        job for name in NEIGHBOURS for job in _jobs(neighbour_of(name), options.workspace, today)
    ]
    for planted in PLANTED:
        listed = options.folder / f"{planted.service}.json"
        if not listed.exists():
            engine.copy_bases(registry, [BASE])
            engine.empty_cache()
            jobs = _jobs(history_of(planted), options.workspace, today)
            entries = list(_record_all(jobs, beside, registry, options.folder, forbidden))
            listed.write_text(json.dumps(entries))
    _pack(options.folder, options.out, today)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the archive to write")
    parser.add_argument("--registry", default="localhost:5000", help="has library/busybox")
    parser.add_argument("--workspace", type=Path, default=Path("/srv/ci"), help="for checkouts")
    parser.add_argument("--forbid", nargs="*", default=[], help="texts no recording may contain")
    parser.add_argument(
        "--folder", type=Path, required=True, help="for what is recorded; a service in it is kept"
    )
    return parser.parse_args()


def _jobs(history: History, workspace: Path, today: datetime) -> list[Job]:
    """Grow a service's repository and return its builds, the oldest first."""
    path = workspace / history.service
    shutil.rmtree(path, ignore_errors=True)
    return list(jobs_of([grow(history, SOURCE, path, today)]))


def _record_all(
    jobs: list[Job],
    neighbours: list[Job],
    registry: engine.Registry,
    out: Path,
    forbidden: list[bytes],
) -> Iterator[dict[str, Any]]:
    """Record builds one after the other, each with what is to run beside it."""
    run = FIRST_RUN + len(list(out.glob("*.dockerbuild")))
    for job in jobs:
        beside = [
            replace(item, commit=replace(item.commit, at=job.commit.at))
            for item in neighbours[: job.plan.neighbours]
        ]
        with ThreadPoolExecutor() as pool:
            others = [
                pool.submit(engine.build, item.repository, item.revision, item.plan, registry)
                for item in beside
            ]
            if others:
                time.sleep(HEAD_START_SECONDS)
            recorded = build(job, run, registry)
        yield keep(job, run, recorded, registry, out, forbidden)
        for number, (item, other) in enumerate(zip(beside, others, strict=True), start=1):
            earlier = round(_start(recorded) - _start(other.result()))
            kept = replace(item, earlier_seconds=earlier)
            yield keep(kept, run + number, other.result(), registry, out, forbidden)
        sys.stderr.write(f"{run} {job.repository.history.service}: {job.commit.message}\n")
        run += 1 + len(others)


def _start(recorded: engine.Recorded) -> float:
    """Return when a build began, in epoch seconds, as its record says."""
    [decoded] = read_builds(record=recorded.bundle)
    return (decoded.started_ns or 0) / 1e9


def _pack(folder: Path, out: Path, today: datetime) -> None:
    """Write all into one archive, with the index of it; the files are compressed already."""
    lists = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    builds = sorted(
        (entry for items in lists for entry in items), key=lambda e: -e["offset_seconds"]
    )
    index = {"recorded_on": today.date().isoformat(), "builds": builds}
    names = sorted(file["name"] for entry in builds for file in entry["files"].values())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(index, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo("index.json"), text, zipfile.ZIP_DEFLATED)
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), (folder / name).read_bytes())


if __name__ == "__main__":
    main()
