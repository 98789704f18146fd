"""The entries of the builder's cache: listing them, and removing exactly those that are named."""

from collections.abc import Sequence
from datetime import UTC, datetime

from buildkit.caching import removing
from buildkit.caching.removing import Removed
from buildkit.caching.usage import Entry, Usage, read_usage
from cli.engine import buildx

PRUNE_SECONDS = 600


def usage() -> Usage:
    """Return what the current builder keeps."""
    return read_usage(buildx("du", "--format=json"), datetime.now(UTC))


def remove(entries: Sequence[Entry]) -> Removed:
    """Remove entries, given leaf first, from the current builder."""
    return removing.remove(entries, _prune)


def _prune(matching: str) -> str:
    return buildx("prune", "--all", "--force", f"--filter={matching}", timeout=PRUNE_SECONDS)
