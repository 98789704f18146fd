"""Record the demo data: build three small services over a history of commits with a real engine.

Run ``python demo/record.py --out demo/recordings``; README.md beside this file says what it
needs, what it does to the engine and what the recordings hold.
"""

import argparse
import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recorder import engine, packages
from recorder.contexts import context_of
from recorder.histories import HISTORIES
from recorder.recording import jobs_of, record, saved
from recorder.repositories import Repository, grow, midnight

SERVICES = Path(__file__).parent / "services"
FIRST_RUN = 4101


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
    jobs = sorted(jobs_of(repositories), key=lambda job: -job.offset)[: options.limit]
    forbidden = [text.encode() for text in (str(SERVICES.resolve().parents[1]), *options.forbid)]
    index: dict[str, Any] = {"recorded_on": today.date().isoformat(), "builds": []}
    for number, job in enumerate(jobs):
        entry = record(job, FIRST_RUN + number, registry, options.out, forbidden)
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
                context = context_of(repository)
                entry["files"]["context"] = saved(out, stem, "context", context)
    (out / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
