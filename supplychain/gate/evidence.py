"""What is known of an image when it is judged."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

SCANNED = ("vulnerability", "misconfiguration", "secret", "license")
"""Kinds of what a scan looks for."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding in the image."""

    kind: str
    name: str
    """The vulnerability's, check's or rule's id, or the licence."""
    severity: str
    where: str
    """The package, or the resource."""
    fixed_version: str = ""
    first_seen_at: datetime | None = None
    is_known_exploited: bool | None = None
    """``None``: the report does not say."""
    excused_by: str = ""
    """The waiver or statement by which it does not count; empty if it does."""
    excused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scanned:
    """The newest scan of the image that looked for one kind."""

    kind: str
    at: datetime
    report_sha256: str
    database_updated_at: datetime | None = None
    says_known_exploited: bool = False
    """Whether the report tells of any finding if it is exploited."""
    severities: tuple[str, ...] = ()
    """What alone was looked for; empty if nothing was left out."""
    ignores_unfixed: bool = False
    packages_left_out: tuple[str, ...] = ()
    """Classes of packages that were not looked at for vulnerabilities: ``os-pkgs``."""
    doubt: str = ""
    """Why the report seems to lack what is there, in a sentence."""

    def lacks(self, severities: Iterable[str], *, fixable_only: bool = False) -> str:
        """Say what of some severities it may lack; empty if it has all.

        Only vulnerabilities are of packages, and may have no fix.
        """
        unseen = sorted(set(severities) - set(self.severities)) if self.severities else []
        if unseen:
            return f"The scan did not look for {', '.join(unseen)}."
        if self.kind == "vulnerability" and self.packages_left_out:
            return f"The scan did not look at {', '.join(self.packages_left_out)}."
        if self.kind == "vulnerability" and self.ignores_unfixed and not fixable_only:
            return "The scan left out what has no fix."
        return self.doubt


@dataclass(frozen=True, slots=True)
class Base:
    """A base of the image's final stage."""

    repository: str
    """With its registry: ``docker.io/library/node``."""
    tag: str = ""
    digest: str = ""
    is_pinned: bool | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the image's configuration says, and the checks of it."""

    user: str
    is_root: bool | None
    labels: dict[str, str]
    failed_checks: tuple[str, ...] = ()
    passed_checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trust:
    """The newest verification of the image."""

    at: datetime
    is_signed: bool
    has_provenance: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a policy may ask of; ``None`` is what nobody has told."""

    digest: str
    scans: tuple[Scanned, ...] = ()
    findings: tuple[Found, ...] = ()
    bases: tuple[Base, ...] | None = None
    configuration: Configuration | None = None
    size_bytes: int | None = None
    trust: Trust | None = None
    unscanned: tuple[tuple[str, str], ...] = ()
    """Kinds with the platforms of the image for which no scan looked for them."""
    sources: dict[str, str] = field(default_factory=dict)
    """Where each part is from: ``{"size": "build 7f3a…"}``."""

    def scan_for(self, kind: str) -> Scanned | None:
        """Return the scan that looked for a kind."""
        return next((scan for scan in self.scans if scan.kind == kind), None)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold; times in ISO 8601."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
