"""What a run tells machines, with ``--json``; the server reads it of the runs that it starts."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from buildkit.errors import ParseError
from supplychain.bases.judging import Word

CHANGED = "buildinsights-update-base"
"""Repository of the images that are compared, which are gone afterwards; before the name of the
target, the branch of a build whose change is left as a patch."""


@dataclass(frozen=True, slots=True)
class Told:
    """A verdict with what it is about."""

    target: str
    old: str
    new: str
    verdict: Word
    reasons: Sequence[str]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_told(data: bytes) -> Told:
    """Return what was written.

    Raises:
        ParseError: it was something else.
    """
    try:
        document = json.loads(data)
        words = {name: str(document[name]) for name in ("target", "old", "new")}
        reasons = tuple(map(str, document["reasons"]))
        return Told(**words, verdict=Word(document["verdict"]), reasons=reasons)
    except (ValueError, KeyError, TypeError) as error:
        raise ParseError("verdict", f"This is no verdict of update-base: {error}") from error
