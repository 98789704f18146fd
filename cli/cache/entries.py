"""The entries of the builder's cache: listing them, and removing exactly those that are named."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

from buildkit.caching.usage import Entry, Usage, read_usage
from cli.engine import buildx

AT_ONCE = 100
"""How many ids one call names."""

PRUNE_SECONDS = 600
PAUSES = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each attempt: a build that has just ended lets go of entries a moment later."""

_REMOVED = re.compile(r"^([a-z0-9]{20,})\*?\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, and what the builder kept since it has come into use meanwhile."""

    gone: tuple[Entry, ...]
    kept: tuple[Entry, ...]

    @property
    def freed_bytes(self) -> int:
        """Bytes of what was removed and no image shares."""
        return sum(entry.bytes for entry in self.gone if not entry.shared)


def usage() -> Usage:
    """Return what the current builder keeps."""
    return read_usage(buildx("du", "--format=json"), datetime.now(UTC))


def remove(entries: Sequence[Entry]) -> Removed:
    """Remove entries, given leaf first, and nothing else; the builder itself spares those in use.

    It also spares an entry that another has come to stand on since it was listed. After any prune,
    BuildKit (28.5, seen on the real engine) may run steps on a base image once more whose entries
    stay; steps on ``scratch`` are found again.
    """
    gone: set[str] = set()
    for pause in PAUSES:
        time.sleep(pause)
        gone |= _prune([entry for entry in entries if entry.id not in gone])
        if len(gone) == len(entries):
            break
    return Removed(
        tuple(entry for entry in entries if entry.id in gone),
        tuple(entry for entry in entries if entry.id not in gone),
    )


def _prune(entries: Sequence[Entry]) -> set[str]:
    """Prune entries once; return the ids of those that have gone."""
    gone: set[str] = set()
    for batch in batched(entries, AT_ONCE):
        ids = "|".join(re.escape(entry.id) for entry in batch)
        said = buildx(
            "prune", "--all", "--force", f"--filter=id=/^({ids})$/", timeout=PRUNE_SECONDS
        )
        gone.update(_REMOVED.findall(said))
    return gone
