"""References of caches that are known to be broken: builds do without them until they are not.

A quarantine is of a reference and of the digest that it had. A tag with another digest has been
exported anew, and is not what was found broken.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.settings import state_dir

FILE = "quarantine.json"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One reference, the digest of its manifest, why it is not used, and since when (ISO 8601).

    An empty digest is of a reference that had no manifest: any that it gets is another.
    """

    reference: str
    digest: str
    reason: str
    since: str


def quarantined() -> dict[str, Quarantine]:
    """Return what is in quarantine, by reference; a file that cannot be read says nothing."""
    return read(state_dir()) or {}


def read(folder: Path) -> dict[str, Quarantine] | None:
    """Return what a directory of records says; ``None`` if that cannot be read, or is not there."""
    try:
        known = json.loads(_file(folder).read_bytes())
        return {item["reference"]: Quarantine(**item) for item in known}
    except (OSError, ValueError, TypeError, KeyError):
        return None


def put(reference: str, digest: str, reason: str) -> Quarantine:
    """Put a reference in quarantine; one that is there with this digest keeps its time."""
    known = quarantined()
    before = known.get(reference)
    since = before.since if before and before.digest == digest else datetime.now(UTC).isoformat()
    made = Quarantine(reference, digest, reason, since)
    write([*(known | {reference: made}).values()])
    return made


def lift(reference: str) -> Quarantine | None:
    """Let a reference be used again; return what was known of it."""
    known = quarantined()
    lifted = known.pop(reference, None)
    if lifted is not None:
        write(list(known.values()))
    return lifted


def write(items: Sequence[Quarantine], folder: Path | None = None) -> None:
    """Replace the file at once or not at all, readable by its owner alone."""
    path = _file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{FILE}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump([asdict(item) for item in items], file, indent=2)
    scratch.replace(path)


def _file(folder: Path | None = None) -> Path:
    return (folder or state_dir()) / FILE
