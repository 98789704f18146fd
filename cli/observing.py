"""The history of each target that was built in a directory, from local records."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from buildkit.advising import Observed, Place, observed
from buildkit.caching.pruning import HISTORY
from buildkit.context import is_local
from buildkit.explaining import Evidence
from buildkit.model import BuildStatus
from cli.errors import UsageError
from cli.evidence import Named, of_record
from cli.records import Run, all_records


@dataclass(frozen=True, slots=True)
class History:
    """The ended builds of one target, oldest first; ``run`` is that of the newest."""

    target: str
    run: Run
    observed: list[Observed]

    @property
    def context(self) -> Path | None:
        """The directory that it is built from; ``None`` if it is not of this machine."""
        context, _ = self.run.contexts.get(self.target, (".", ""))
        return Path(self.run.directory, context) if is_local(context) else None

    @property
    def dockerfile(self) -> Path | None:
        """The Dockerfile that it is built by, where it is a file of this machine."""
        _, name = self.run.contexts.get(self.target, (".", "Dockerfile"))
        return self.context / name if self.context else None

    @property
    def dockerignore(self) -> Path | None:
        """The file that BuildKit takes, or would take if it were there: the Dockerfile's own."""
        if self.context is None or self.dockerfile is None:
            return None
        own = self.dockerfile.with_name(f"{self.dockerfile.name}.dockerignore")
        return own if own.is_file() else self.context / ".dockerignore"

    @property
    def place(self) -> Place:
        """Where both lie, from the directory of the run."""
        if self.context is None or self.dockerfile is None:
            return Place()
        files = (self.dockerfile, self.dockerignore or "")
        return Place(*(os.path.relpath(path, self.run.directory) if path else "" for path in files))


def histories(directory: Path, since: timedelta = HISTORY) -> dict[str, History]:
    """Return the histories by target, of builds whose builder's records were collected.

    Each build is explained against the last one of that target and platforms that succeeded.
    """
    runs: dict[str, Run] = {}
    builds: defaultdict[str, list[tuple[Evidence, datetime]]] = defaultdict(list)
    for run, named in _oldest_first(directory, since):
        runs[named.target] = run
        builds[named.target].append((named.evidence, _at(named, run)))
    return {
        target: History(target, runs[target], observed(found)) for target, found in builds.items()
    }


def _oldest_first(directory: Path, since: timedelta) -> Iterator[tuple[Run, Named]]:
    first = (datetime.now(UTC) - since).isoformat()
    ours = []
    for record in all_records():
        run = record.run()
        if run.started_at < first:
            break
        if run.directory == str(directory):
            ours.append((run, record))
    for run, record in reversed(ours):
        try:
            builds = list(of_record(record))
        except UsageError:
            continue  # what one run left cannot be read: the others tell enough
        ended = (item for item in builds if item.evidence.build.status is not BuildStatus.RUNNING)
        yield from ((run, item) for item in ended)


def _at(named: Named, run: Run) -> datetime:
    started = named.evidence.build.started_ns
    if started is None:
        return datetime.fromisoformat(run.started_at)
    return datetime.fromtimestamp(started / 1e9, UTC)
