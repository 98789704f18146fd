"""Removing exactly the named entries of a builder's cache."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched

from buildkit.caching.usage import Entry

AT_ONCE = 100
"""How many ids one call names."""

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each attempt: a build that has just ended lets go of entries a moment later."""

_REMOVED = re.compile(r"^([a-z0-9]{20,})\*?\s", re.MULTILINE)

type Prune = Callable[[str], str]
"""Prunes what a filter of ``docker buildx prune`` matches, and returns what buildx prints."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, and what the builder kept since it has come into use meanwhile."""

    gone: tuple[Entry, ...]
    kept: tuple[Entry, ...]

    @property
    def freed_bytes(self) -> int:
        """Bytes of what was removed and no image shares."""
        return sum(entry.bytes for entry in self.gone if not entry.shared)


def remove(entries: Sequence[Entry], prune: Prune) -> Removed:
    """Remove entries, given leaf first, and nothing else; the builder itself spares those in use.

    It also spares an entry that another has come to stand on since it was listed. After any prune,
    BuildKit (28.5, seen on the real engine) may run steps on a base image once more whose entries
    stay; steps on ``scratch`` are found again.
    """
    gone: set[str] = set()
    for pause in PAUSES:
        time.sleep(pause)
        gone |= _prune([entry for entry in entries if entry.id not in gone], prune)
        if len(gone) == len(entries):
            break
    return Removed(
        tuple(entry for entry in entries if entry.id in gone),
        tuple(entry for entry in entries if entry.id not in gone),
    )


def _prune(entries: Sequence[Entry], prune: Prune) -> set[str]:
    """Prune entries once; return the ids of those that have gone."""
    gone: set[str] = set()
    for batch in batched(entries, AT_ONCE):
        ids = "|".join(re.escape(entry.id) for entry in batch)
        gone.update(_REMOVED.findall(prune(f"id=/^({ids})$/")))
    return gone
