"""A scanner's report, whatever its format was."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is, from the least; what a report does not say is ``UNKNOWN``."""

    UNKNOWN = "UNKNOWN"
    NEGLIGIBLE = "NEGLIGIBLE"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """A number that is higher the worse it is."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class TargetClass(StrEnum):
    """What was looked at, in Trivy's words; reports that are older than the word have none."""

    UNKNOWN = ""
    OS_PACKAGES = "os-pkgs"
    LANGUAGE_PACKAGES = "lang-pkgs"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105  # a class of targets
    LICENSE = "license"
    LICENSE_FILE = "license-file"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of a report's results: a package database, a lock file, a configuration."""

    name: str
    target_class: str
    """A ``TargetClass``, or what a newer scanner calls it."""
    ecosystem: str
    """Trivy's ``Type``: ``debian``, ``npm``, ``dockerfile``, …; empty if not said."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package in an image. ``purl`` is empty where the report gives none."""

    target: Target
    name: str
    version: str
    purl: str = ""
    """With version and qualifiers, as the report has it."""
    path: str = ""
    layer_digest: str = ""
    layer_diff_id: str = ""
    licenses: tuple[str, ...] = ()
    source_name: str = ""
    """The source package of a distribution's binary package."""


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A vulnerability of a package."""

    package: Package
    id: str
    """Empty in a few old reports, which list a package only."""
    aliases: tuple[str, ...]
    """Other ids of the same, without ``id``, sorted.

    A vendor's advisory may be of several vulnerabilities: two that share an alias need not be one.
    """
    severity: Severity
    severity_source: str
    fixed_version: str
    status: str
    """``affected``, ``fixed``, ``will_not_fix``, ``end_of_life``, …; empty if not said."""
    title: str
    url: str
    cvss_score: float | None
    """Version 3 if there is one, else 4, else 2: of the severity's source, else the highest."""
    cvss_vector: str
    epss: float | None
    """Probability of exploitation within 30 days (FIRST), 0 to 1, if the report says it."""
    is_known_exploited: bool | None
    """Whether CISA lists it as exploited, if the report says it."""
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Misconfiguration:
    """What a check said of a configuration."""

    target: Target
    id: str
    status: str
    """``FAIL``, ``PASS`` or ``EXCEPTION``."""
    severity: Severity
    title: str
    message: str
    resolution: str
    url: str
    resource: str
    """The resource that it is of, or a Dockerfile's instruction; empty if not said.

    Values in ``ENV`` and ``ARG`` are masked.
    """
    start_line: int | None
    end_line: int | None


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret lies. What it is, is not here: it is forgotten where the report is read."""

    target: Target
    rule_id: str
    category: str
    severity: Severity
    title: str
    start_line: int | None
    end_line: int | None
    layer_digest: str
    layer_diff_id: str
    fingerprint: bytes
    """HMAC-SHA-256 of the match by the reader's key, so that the same secret is known again.

    Empty where the report has no match. Trivy masks the secret itself in its match, so that two
    secrets in lines that are otherwise the same are one.
    """


@dataclass(frozen=True, slots=True)
class License:
    """A licence of a package, or of a file."""

    target: Target
    package_name: str
    path: str
    name: str
    category: str
    severity: Severity
    url: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A vulnerability that the scanner knows of and was told not to count, and by what."""

    vulnerability: Vulnerability
    status: str
    """``ignored``, ``not_affected``, ``fixed``, …, in Trivy's words."""
    statement: str
    source: str


@dataclass(frozen=True, slots=True)
class Scanner:
    """What made a report, and what it knew: ``None`` where the report does not say it."""

    name: str
    version: str
    database_version: str = ""
    database_updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was scanned."""

    name: str
    kind: str
    """``container_image``, ``filesystem``, ``repository``, ``cyclonedx``, …; empty if not said."""
    image_id: str = ""
    """Digest of the image's configuration."""
    repo_digests: tuple[str, ...] = ()
    """``repository@sha256:…`` of its manifests."""
    repo_tags: tuple[str, ...] = ()
    diff_ids: tuple[str, ...] = ()
    os_family: str = ""
    os_name: str = ""
    os_is_end_of_life: bool = False
    platform: str = ""
    """``os/architecture`` of an image, if the report has its configuration."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report, read. Lists hold what the report lists, repeats too, in its order."""

    format: str
    """``trivy-2``, ``trivy-1``, ``sarif`` or ``cyclonedx``."""
    scanner: Scanner
    artifact: Artifact
    created_at: datetime | None
    targets: tuple[Target, ...]
    """Results that the report has, those without findings too."""
    packages: tuple[Package, ...] = ()
    """The inventory, where the report has one."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    misconfigurations: tuple[Misconfiguration, ...] = ()
    secrets: tuple[Secret, ...] = ()
    licenses: tuple[License, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    problems: tuple[str, ...] = field(default=())
    """What could not be read, each with its place; the rest was."""
    is_whole: bool = True
    """Whether all its entries could be; if not, findings may lack."""

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many of each there are as the report lists them, by severity.

        Misconfigurations by ``STATUS:SEVERITY``.
        """
        return {
            "vulnerabilities": _tally(item.severity for item in self.vulnerabilities),
            "misconfigurations": _tally(
                f"{item.status}:{item.severity}" for item in self.misconfigurations
            ),
            "secrets": _tally(item.severity for item in self.secrets),
            "licenses": _tally(item.severity for item in self.licenses),
        }

    def distinct_vulnerabilities(self) -> int:
        """Return how many there are, distinct by id, package, installed version and target."""
        return len(
            {
                (item.id, item.package.name, item.package.version, item.package.target.name)
                for item in self.vulnerabilities
            }
        )


def _tally(keys: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(str(key) for key in keys).items()))
