"""Whether a report leaves out what is there: then nothing that it lacks has gone.

A report does not say which filters it was made with. Its sender may; else it is told from what it
lacks: as soon as several findings would all go at once that one filter would have left out.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from security.models import Severity
from security.seen import Seen

SUSPICIOUS = 3
"""Findings that must seem to go at once before a filter is the likelier reason."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the sender of a report says of how it was made; empty and ``None`` if nothing."""

    scanners: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    ignore_unfixed: bool | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A finding that was there and that the report lacks."""

    kind: str
    severity: int
    is_fixable: bool


def narrowed_by(stated: Stated, seen: Collection[Seen], missing: Collection[Missing]) -> str:
    """Return why ``missing`` may be there still; empty if they have gone."""
    if stated.severities:
        named = {Severity[name] for name in stated.severities}
        if any(item.severity not in named for item in missing):
            return f"Only {', '.join(sorted(stated.severities))} was asked for."
    elif lowest := _lowest(seen, missing):
        return f"Nothing below {lowest.label} is in it, and all that was there would have gone."
    if stated.ignore_unfixed:
        return "Findings without a fix were left out." if _unfixed(missing) else ""
    if stated.ignore_unfixed is None and _hides_unfixed(seen, missing):
        return "Nothing without a fix is in it, and all that was there would have gone."
    return ""


def _lowest(seen: Collection[Seen], missing: Iterable[Missing]) -> Severity | None:
    """Return the lowest severity of a report that seems to have been cut there."""
    if not seen:
        return None
    lowest = min(item.severity for item in seen)
    below = [item for item in missing if item.severity < lowest]
    return Severity(lowest) if len(below) >= SUSPICIOUS else None


def _hides_unfixed(seen: Collection[Seen], missing: Iterable[Missing]) -> bool:
    if not seen or any(not item.fixed_version for item in seen):
        return False
    return len(_unfixed(missing)) >= SUSPICIOUS


def _unfixed(missing: Iterable[Missing]) -> list[Missing]:
    return [item for item in missing if not item.is_fixable]
