"""A builder's cache, asked for by a worker that knows the builder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from buildinsights.templatetags.formats import filesize
from buildkit.caching import removing
from buildkit.caching.removing import Removed
from buildkit.caching.usage import Entry, Usage, read_usage
from cache.exceptions import OtherBuilderError
from farm.builders import UnreachableError, buildx
from farm.models import Builder

PRUNE_SECONDS = 600
TOLD = 50
"""Entries that were kept of which one by one is told."""


def usage_of(builder: Builder) -> Usage:
    """Return what a builder keeps.

    Raises:
        UnreachableError: it did not answer.
        ParseError: it answered something else.
    """
    return read_usage(buildx("du", *_named(builder), "--format", "json"), timezone.now())


def item(entry: Entry) -> list[Any]:
    """Return what is remembered of a planned entry: what it is, and how often it was used."""
    return [entry.id, entry.usage_count]


@dataclass(slots=True)
class Removal:
    """What became of planned entries; ``error`` is the builder's, if it stopped answering."""

    done: Removed
    used: list[Entry] = field(default_factory=list)
    gone_before: int = 0
    error: str = ""

    def told(self) -> tuple[str, ...]:
        """Return what is to be said of entries that were not removed."""
        kept = [("in use by now", entry) for entry in self.done.kept]
        kept += [("used since it was planned", entry) for entry in self.used]
        lines = [f"Kept, {why}: {entry.description}" for why, entry in kept[:TOLD]]
        more = len(kept) - TOLD
        lines += [f"Kept, too: {more} more."] if more > 0 else []
        lines += [f"{self.gone_before} had gone before."] if self.gone_before else []
        return (*lines, *((f"The builder stopped answering: {self.error}",) if self.error else ()))


def remove_from(builder: Builder, items: Sequence[Sequence[Any]]) -> Removal:
    """Remove the planned entries, given leaf first, that nobody has used since.

    Raises:
        OtherBuilderError: it has none of them.
    """
    entries = {entry.id: entry for entry in usage_of(builder).entries}
    there = [(entries[name], uses) for name, uses in items if name in entries]
    if items and not there:
        raise OtherBuilderError
    used = [entry for entry, uses in there if entry.usage_count > uses]
    found = Removal(Removed((), ()), used, len(items) - len(there))

    def prune(matching: str) -> str:
        if found.error:
            return ""
        words = ("prune", *_named(builder), "--all", "--force", f"--filter={matching}")
        try:
            return buildx(*words, seconds=PRUNE_SECONDS)
        except UnreachableError as error:
            found.error = str(error)
            return ""

    found.done = removing.remove([entry for entry, uses in there if entry not in used], prune)
    return found


def row(entry: Entry) -> tuple[str, str, str]:
    """Return description, size and last use for a plan's table."""
    words = " ".join(entry.description.split())
    return words[:200], str(filesize(entry.bytes)), f"{entry.touched_at:%Y-%m-%d %H:%M} UTC"


def _named(builder: Builder) -> list[str]:
    return ["--builder", builder.name] if builder.name else []
