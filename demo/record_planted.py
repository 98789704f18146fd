"""Record builds with planted causes: a service each, built over its commits by a real engine.

Run ``python demo/record_planted.py --out demo/planted/recordings.zip``. The engine should be one
that nobody else uses: its build cache is emptied. ``DOCKER_HOST`` says which it is.
"""

import argparse
import json
import shutil
import sys
import tempfile
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
from recorder.planted import BASE, NEIGHBOUR, PLANTED, history_of
from recorder.recording import Job, jobs_of, keep, record
from recorder.repositories import grow, midnight

SOURCE = Path(__file__).parent / "planted" / "service"
FIRST_RUN = 7001
HEAD_START_SECONDS = 1
"""Neighbours begin earlier by this, so that they are at work when the build begins."""


def main() -> None:
    """Record the services one after the other and pack what was recorded."""
    options = _options()
    today = midnight(datetime.now(UTC))
    registry = engine.Registry(options.registry, team="planted", platforms="linux/amd64")
    forbidden = [text.encode() for text in (str(SOURCE.resolve().parents[2]), *options.forbid)]
    index: dict[str, Any] = {"recorded_on": today.date().isoformat(), "builds": []}
    with tempfile.TemporaryDirectory() as folder:
        (neighbour,) = _jobs(NEIGHBOUR, options.workspace, today)
        neighbour = replace(neighbour, earlier_seconds=HEAD_START_SECONDS)
        for planted in PLANTED:
            if not options.only or planted.service in options.only:
                engine.copy_bases(registry, [BASE])
                engine.empty_cache()
                jobs = _jobs(history_of(planted), options.workspace, today)
                index["builds"] += _record_all(jobs, neighbour, registry, Path(folder), forbidden)
        index["builds"].sort(key=lambda entry: -entry["offset_seconds"])
        text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
        (Path(folder) / "index.json").write_text(text)
        _pack(Path(folder), options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the archive to write")
    parser.add_argument("--registry", default="localhost:5000", help="has library/busybox")
    parser.add_argument("--workspace", type=Path, default=Path("/srv/ci"), help="for checkouts")
    parser.add_argument("--forbid", nargs="*", default=[], help="texts no recording may contain")
    parser.add_argument("--only", nargs="*", default=[], help="services to record")
    return parser.parse_args()


def _jobs(history: History, workspace: Path, today: datetime) -> list[Job]:
    """Grow a service's repository and return its builds, the oldest first."""
    path = workspace / history.service
    shutil.rmtree(path, ignore_errors=True)
    return list(jobs_of([grow(history, SOURCE, path, today)]))


def _record_all(
    jobs: list[Job],
    neighbour: Job,
    registry: engine.Registry,
    out: Path,
    forbidden: list[bytes],
) -> Iterator[dict[str, Any]]:
    """Record builds one after the other, each with what is to run beside it."""
    run = FIRST_RUN + len(list(out.glob("*.dockerbuild")))
    for job in jobs:
        beside = replace(neighbour, commit=replace(neighbour.commit, at=job.commit.at))
        with ThreadPoolExecutor() as pool:
            others = [
                pool.submit(engine.build, beside.repository, beside.revision, beside.plan, registry)
                for _ in range(job.plan.neighbours)
            ]
            if others:
                time.sleep(HEAD_START_SECONDS)
            entry = record(job, run, registry, out, forbidden)
            yield entry
            for number, other in enumerate(others, start=1):
                yield keep(beside, run + number, other.result(), registry, out, forbidden)
        sys.stderr.write(f"{run} {entry['service']} {entry['outcome']}: {entry['subject']}\n")
        run += 1 + len(others)


def _pack(folder: Path, out: Path) -> None:
    """Write the files into one archive; they are compressed already."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes())


if __name__ == "__main__":
    main()
