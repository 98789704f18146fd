"""The builds of local records, with all that was collected of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from buildkit.caching.pruning import HISTORY
from buildkit.errors import ParseError
from buildkit.model import Build
from buildkit.reading import read_builds
from cli.reading import builds_of
from cli.records import BUNDLE_SUFFIX, METADATA, Record, Run, all_records


def recorded_builds(
    directory: str = "", since: timedelta = HISTORY
) -> Iterator[tuple[str, Build, Run]]:
    """Yield target, build and run of the records of a time, newest first.

    ``directory`` leaves out the runs of others.
    """
    first = (datetime.now(UTC) - since).isoformat()
    for record in all_records():
        run = record.run()
        if run.started_at < first:
            return
        if not directory or run.directory == directory:
            for build in _builds(record):
                yield build.name_hint or build.target, build, run


def _builds(record: Record) -> Iterator[Build]:
    """Yield the builds of a run: from the builder's own records, where they were collected."""
    collected = {path.stem: path for path in sorted(record.path.glob(f"*{BUNDLE_SUFFIX}"))}
    for build in builds_of(record):
        path = collected.pop(build.name_hint, None)
        try:
            yield _with_name(path.read_bytes(), record, build) if path else build
        except (OSError, ParseError):
            yield build


def _with_name(data: bytes, record: Record, known: Build) -> Build:
    found = read_builds(record=data, metadata=record.read(METADATA))
    return next((item for item in found if item.name_hint == known.name_hint), known)
