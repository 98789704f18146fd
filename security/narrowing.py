"""Whether a report leaves out what is there: then nothing that it lacks has gone.

A report does not say which filters it was made with. Its sender may; else it is told from what it
lacks: as soon as several findings would all go at once that one filter would have left out.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from security.models import Kind, Severity
from security.seen import Seen
from supplychain.reports.model import Report, TargetClass

SUSPICIOUS = 3
"""Findings that must seem to go at once before a filter is the likelier reason."""

UNREAD = "Parts of the report could not be read."
NO_SYSTEM = "The system's packages are not in it."
PACKAGE_TYPES = {
    "os": TargetClass.OS_PACKAGES.value,
    "library": TargetClass.LANGUAGE_PACKAGES.value,
}
"""Trivy's names of the packages in which it looks for vulnerabilities, and their classes."""

NO_FAMILY = ("", "none")
"""How reports call the system of an image that has none."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the sender of a report says of how it was made; empty and ``None`` if nothing."""

    scanners: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    ignore_unfixed: bool | None = None
    package_types: tuple[str, ...] = ()
    """Of ``PACKAGE_TYPES``."""

    def packages_left_out(self) -> tuple[str, ...]:
        """Return the classes of packages that were not looked at."""
        left_out = set(PACKAGE_TYPES) - set(self.package_types) if self.package_types else ()
        return tuple(sorted(PACKAGE_TYPES[name] for name in left_out))


@dataclass(frozen=True, slots=True)
class Missing:
    """A finding that was there and that the report lacks."""

    kind: str
    target_class: str
    severity: int
    is_fixable: bool


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Why what is missing may be there still: as the sender says, or as it is guessed here."""

    sentence: str
    is_guessed: bool


def narrowed_by(
    stated: Stated, report: Report, seen: Collection[Seen], missing: Collection[Missing]
) -> Narrowing | None:
    """Return why ``missing`` may be there still; ``None`` if they have gone.

    What the sender says comes last: of what it does not explain another filter may be the reason.
    """
    told = [_left_out(stated, item) for item in missing]
    unexplained = [item for item, why in zip(missing, told, strict=True) if not why]
    if guess := _guess(stated, report, seen, unexplained):
        return Narrowing(guess, is_guessed=True)
    sentence = next(filter(None, told), "")
    return Narrowing(sentence, is_guessed=False) if sentence else None


def doubt_of(stated: Stated, report: Report, kind: str) -> str:
    """Say why a report that looked for a kind lacks some of it by itself; empty if it does not."""
    if not report.is_whole:
        return UNREAD
    return NO_SYSTEM if kind == Kind.VULNERABILITY and _lacks_system(stated, report) else ""


def _lacks_system(stated: Stated, report: Report) -> bool:
    """Guess that the packages of a system that is known were not looked at."""
    return (
        not stated.package_types
        and report.artifact.os_family not in NO_FAMILY
        and not any(target.target_class == TargetClass.OS_PACKAGES for target in report.targets)
    )


def _left_out(stated: Stated, item: Missing) -> str:
    """Say by which filter that its sender names a report lacks a finding; empty if by none."""
    if stated.severities and Severity(item.severity).name not in stated.severities:
        return f"Only {', '.join(sorted(stated.severities))} was asked for."
    if stated.ignore_unfixed and _is_unfixed(item):
        return "Findings without a fix were left out."
    if item.kind == Kind.VULNERABILITY and item.target_class in stated.packages_left_out():
        return f"Only packages of {', '.join(sorted(stated.package_types))} were asked for."
    return ""


def _guess(
    stated: Stated, report: Report, seen: Collection[Seen], missing: Sequence[Missing]
) -> str:
    if missing and not report.is_whole:
        return UNREAD
    if any(_is_of_system(item) for item in missing) and _lacks_system(stated, report):
        return NO_SYSTEM
    if not stated.severities and (lowest := _lowest(seen, missing)):
        return f"Nothing below {lowest.label} is in it, and all that was there would have gone."
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


def _hides_unfixed(seen: Iterable[Seen], missing: Iterable[Missing]) -> bool:
    """Of vulnerabilities alone: nothing else has a fixed version, and no filter leaves it out."""
    fixed = [bool(item.fixed_version) for item in seen if item.kind == Kind.VULNERABILITY]
    return bool(fixed) and all(fixed) and sum(map(_is_unfixed, missing)) >= SUSPICIOUS


def _is_unfixed(item: Missing) -> bool:
    return item.kind == Kind.VULNERABILITY and not item.is_fixable


def _is_of_system(item: Missing) -> bool:
    return item.kind == Kind.VULNERABILITY and item.target_class == TargetClass.OS_PACKAGES
