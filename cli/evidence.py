"""What local records say of builds: read from the builder's own record, with its context."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from buildkit.errors import ParseError
from buildkit.explaining import Evidence, read_context, read_sizes
from buildkit.limits import Limits
from buildkit.reading import read_builds
from cli.errors import UsageError
from cli.records import BUNDLE_SUFFIX, CONTEXT, METADATA, Record


@dataclass(frozen=True, slots=True)
class Named:
    """A build's evidence, the target that it is of, and where it was read."""

    target: str
    place: str
    evidence: Evidence


def of_record(record: Record) -> Iterator[Named]:
    """Yield the builds of a run whose builder's records were collected.

    Raises:
        UsageError: one of them cannot be read.
    """
    for path in sorted(record.path.glob(f"*{BUNDLE_SUFFIX}")):
        yield from of_file(path)


def of_file(path: Path) -> list[Named]:
    """Return the builds of a ``.dockerbuild`` file, with what lies beside it of the same run.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        builds = read_builds(record=path.read_bytes(), metadata=_beside(path, METADATA))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ParseError as error:
        raise UsageError(f"{path}: {error}") from error
    context = _beside(path, CONTEXT) or b"{}"
    files = read_context(context, path.stem, Limits())
    sizes = read_sizes(context, path.stem, Limits())
    ours = [build for build in builds if len(builds) == 1 or build.name_hint == path.stem]
    return [Named(path.stem, str(path), Evidence(build, files, sizes)) for build in ours]


def _beside(path: Path, name: str) -> bytes | None:
    """Return another file of the same record: the metadata, for one, name the builder."""
    other = path.with_name(name)
    return other.read_bytes() if other.is_file() else None
