"""Reading the builds of local records."""

from dataclasses import replace
from pathlib import Path

from buildkit.errors import ParseError
from buildkit.model import Build
from buildkit.reading import read_builds
from cli.records import METADATA, PROGRESS, Record, all_records


def builds_of(record: Record) -> tuple[Build, ...]:
    """Read the builds of a run from its progress and metadata; nothing if it never began.

    Bake names targets in its progress only if there are several.
    """
    progress, metadata = record.read(PROGRESS), record.read(METADATA)
    try:
        builds = read_builds(progress=progress, metadata=metadata) if progress else ()
    except ParseError:
        return ()
    targets = record.run().targets or list(record.refs())
    if len(builds) == len(targets) == 1:
        return (replace(builds[0], name_hint=targets[0]),)
    return builds


def expected_seconds(directory: Path) -> dict[str, float]:
    """Return the wall seconds of each target's last success here; one older run is looked at."""
    for record in all_records():
        run = record.run()
        if run.directory == str(directory) and run.outcome == "succeeded":
            return {
                build.name_hint: build.timing.wall_seconds
                for build in builds_of(record)
                if build.timing.wall_seconds is not None
            }
    return {}
