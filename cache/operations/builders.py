"""A builder's cache, asked for by a worker that knows the builder."""

from collections.abc import Sequence

from django.utils import timezone

from buildinsights.templatetags.formats import filesize
from buildkit.caching import removing
from buildkit.caching.removing import Removed
from buildkit.caching.usage import Entry, Usage, read_usage
from farm.builders import buildx
from farm.models import Builder

PRUNE_SECONDS = 600


def usage_of(builder: Builder) -> Usage:
    """Return what a builder keeps.

    Raises:
        UnreachableError: it did not answer.
        ParseError: it answered something else.
    """
    return read_usage(buildx("du", *_named(builder), "--format", "json"), timezone.now())


def remove_from(builder: Builder, identifiers: Sequence[str]) -> tuple[Removed, int]:
    """Remove the named entries, given leaf first; return also how many had gone before."""
    entries = {entry.id: entry for entry in usage_of(builder).entries}
    left = [entries[name] for name in identifiers if name in entries]

    def prune(matching: str) -> str:
        words = ("prune", *_named(builder), "--all", "--force", f"--filter={matching}")
        return buildx(*words, seconds=PRUNE_SECONDS)

    return removing.remove(left, prune), len(identifiers) - len(left)


def told(done: Removed, gone_before: int) -> tuple[str, ...]:
    """Return what is to be said of entries that were not removed."""
    kept = tuple(f"Kept, as it is in use by now: {entry.description}" for entry in done.kept)
    return (*kept, *((f"{gone_before} had gone before.",) if gone_before else ()))


def row(entry: Entry) -> tuple[str, str, str]:
    """Return description, size and last use for a plan's table."""
    words = " ".join(entry.description.split())
    return words[:200], str(filesize(entry.bytes)), f"{entry.touched_at:%Y-%m-%d %H:%M} UTC"


def _named(builder: Builder) -> list[str]:
    return ["--builder", builder.name] if builder.name else []
