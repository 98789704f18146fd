"""What acts on this machine have removed from the builder's cache."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from buildkit.caching.usage import Entry
from buildkit.explaining import Removal
from buildkit.times import NANOSECONDS
from cli import journal

ENTRIES = "removed_entries"
"""Of an act's details: id and description of each."""

MOST_ENTRIES = 500
"""Entries of one act that are named; the server takes no endless accounts."""


def noted(entries: Sequence[Entry]) -> dict[str, object]:
    """Return what an act's details say of the entries that it removed."""
    named = [[entry.id, entry.description] for entry in entries[:MOST_ENTRIES]]
    return {ENTRIES: named, "removed_total": len(entries)}


def removals(first_ns: int, last_ns: int) -> Iterator[Removal]:
    """Yield the entries that were removed between two moments."""
    for act in journal.acts():
        at = datetime.fromisoformat(act["at"])
        if not act["dry_run"] and first_ns < at.timestamp() * NANOSECONDS < last_ns:
            text = f"`cache {act['action']}` removed its entry at {at:%Y-%m-%d %H:%M:%S} UTC."
            for _, description in act["details"].get(ENTRIES) or ():
                yield Removal(description, text)
