"""What was sent of a build, decoded once more from the payloads that are kept."""

from dataclasses import dataclass

from buildkit.model import Build as DecodedBuild
from buildkit.reading import read_builds
from builds.models import Build
from ingest.pieces import all_told
from ingest.uploads import limits, plain


@dataclass(frozen=True, slots=True)
class Stored:
    """A build as its records tell it, and the bytes of its context's digests if they were sent."""

    decoded: DecodedBuild
    context: bytes | None


def read_stored(build: Build) -> Stored | None:
    """Decode all payloads that told of ``build``; ``None`` once they are purged.

    Raises:
        ParseError: what is kept can no longer be read.
    """
    told = all_told(build)
    if not told.parts:
        return None
    bounds = limits()
    data = {name: plain(part, bounds) for name, part in told.parts.items()}
    context = data.pop("context", None)
    builds = read_builds(**data, limits=bounds, only_ref=build.buildkit_ref or None)
    return Stored(builds[0], context)
