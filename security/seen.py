"""What a report lists, each thing once, as it is kept."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from buildkit.values import as_web_address
from security.models import Kind, Severity
from supplychain.reports.model import (
    License,
    Misconfiguration,
    Report,
    Secret,
    Vulnerability,
)
from supplychain.reports.purls import package_identity

MOST_VERSIONS = 5
"""Installed versions of one package that are named; there may be one a folder."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One finding in one scan: what is kept of it once, and what may differ by lineage."""

    key: bytes
    kind: Kind
    target_class: str
    package: str
    name: str
    resource: str
    severity: Severity
    severity_source: str = ""
    aliases: tuple[str, ...] = ()
    cvss_score: float | None = None
    cvss_vector: str = ""
    epss: float | None = None
    is_known_exploited: bool | None = None
    title: str = ""
    url: str = ""
    fixed_version: str = ""
    installed_version: str = ""
    status: str = ""
    path: str = ""
    layer: str = ""


def seen_in(report: Report) -> dict[bytes, Seen]:
    """Return what a report lists, by key; of repeats the worse, with the versions of all.

    Checks that passed are no findings.
    """
    found: dict[bytes, Seen] = {}
    for item in _all(report):
        known = found.get(item.key)
        found[item.key] = item if known is None else united(known, item)
    return found


def _all(report: Report) -> Iterator[Seen]:
    yield from map(_vulnerability, report.vulnerabilities)
    failed = (item for item in report.misconfigurations if item.status == "FAIL")
    yield from map(_misconfiguration, failed)
    yield from map(_secret, report.secrets)
    yield from map(_license, report.licenses)


def united(one: Seen, other: Seen) -> Seen:
    """Return what is said twice of one finding: the worse, with the versions of both."""
    worse, less = (one, other) if one.severity >= other.severity else (other, one)
    return replace(
        worse,
        installed_version=_joined((worse.installed_version, less.installed_version)),
        fixed_version=_joined((worse.fixed_version, less.fixed_version)),
    )


def _joined(versions: Iterable[str]) -> str:
    distinct = {part for text in versions for part in text.split(", ") if part}
    return ", ".join(sorted(distinct)[:MOST_VERSIONS])[:300]


def key_of(kind: Kind, *parts: str) -> bytes:
    """Return 16 bytes that are the same for the same finding of a service, and no other."""
    text = "\0".join((kind, *parts))
    return hashlib.sha256(text.encode()).digest()[:16]


def _vulnerability(item: Vulnerability) -> Seen:
    package = package_identity(item.package)
    target_class = item.package.target.target_class
    return Seen(
        key=key_of(Kind.VULNERABILITY, target_class, package, item.id),
        kind=Kind.VULNERABILITY,
        target_class=target_class[:20],
        package=package[:400],
        name=item.id[:200],
        resource="",
        severity=Severity[item.severity],
        severity_source=item.severity_source[:60],
        aliases=item.aliases,
        cvss_score=item.cvss_score,
        cvss_vector=item.cvss_vector[:200],
        epss=item.epss,
        is_known_exploited=item.is_known_exploited,
        title=item.title[:500],
        url=as_web_address(item.url)[:500],
        fixed_version=_joined([item.fixed_version]),
        installed_version=item.package.version[:300],
        status=item.status[:40],
        path=(item.package.path or item.package.target.name)[:500],
        layer=(item.package.layer_digest or item.package.layer_diff_id)[:80],
    )


def _misconfiguration(item: Misconfiguration) -> Seen:
    resource = " ".join(part for part in (item.target.name, item.resource) if part)
    line = f" line {item.start_line}" if item.start_line else ""
    return Seen(
        key=key_of(Kind.MISCONFIGURATION, item.target.target_class, resource, item.id),
        kind=Kind.MISCONFIGURATION,
        target_class=item.target.target_class[:20],
        package="",
        name=item.id[:200],
        resource=resource[:500],
        severity=Severity[item.severity],
        title=(item.title or item.message)[:500],
        url=as_web_address(item.url)[:500],
        path=f"{item.target.name}{line}"[:500],
    )


def _secret(item: Secret) -> Seen:
    line = f" line {item.start_line}" if item.start_line else ""
    return Seen(
        key=key_of(Kind.SECRET, item.target.name, item.rule_id, item.fingerprint.hex()),
        kind=Kind.SECRET,
        target_class=item.target.target_class[:20],
        package="",
        name=item.rule_id[:200],
        resource=item.target.name[:500],
        severity=Severity[item.severity],
        title=item.title[:500],
        path=f"{item.target.name}{line}"[:500],
        layer=(item.layer_digest or item.layer_diff_id)[:80],
    )


def _license(item: License) -> Seen:
    where = item.package_name or item.path
    return Seen(
        key=key_of(Kind.LICENSE, where, item.name),
        kind=Kind.LICENSE,
        target_class=item.target.target_class[:20],
        package=item.package_name[:400],
        name=item.name[:200],
        resource=item.path[:500],
        severity=Severity[item.severity],
        title=item.category[:500],
        url=as_web_address(item.url)[:500],
        path=item.path[:500],
    )


KIND_OF_CLASS: dict[str, tuple[Kind, ...]] = {
    "os-pkgs": (Kind.VULNERABILITY,),
    "lang-pkgs": (Kind.VULNERABILITY,),
    "": (Kind.VULNERABILITY,),
    "config": (Kind.MISCONFIGURATION,),
    "secret": (Kind.SECRET,),
    "license": (Kind.LICENSE,),
    "license-file": (Kind.LICENSE,),
}
"""What a result of a class shows to have been looked for."""

SCANNERS: dict[str, Kind] = {
    "vuln": Kind.VULNERABILITY,
    "misconfig": Kind.MISCONFIGURATION,
    "secret": Kind.SECRET,
    "license": Kind.LICENSE,
}
"""Trivy's names of its scanners."""


def kinds_of(report: Report, scanners: Iterable[str]) -> list[Kind]:
    """Return what a report looked for: as its sender says, else as its results show."""
    stated = {SCANNERS[name] for name in scanners if name in SCANNERS}
    if stated:
        return sorted(stated)
    shown = _shown(report)
    return sorted(shown - {Kind.VULNERABILITY} if is_inventory(report) else shown)


def is_inventory(report: Report) -> bool:
    """Whether a report may list packages for their own sake: as an SBOM, or for their licences.

    One that has a vulnerability has looked for them.
    """
    shown = _shown(report)
    return (
        Kind.VULNERABILITY in shown
        and not report.vulnerabilities
        and (report.format == "cyclonedx" or Kind.LICENSE in shown)
    )


def _shown(report: Report) -> set[Kind]:
    kinds = (KIND_OF_CLASS.get(target.target_class, ()) for target in report.targets)
    return {kind for some in kinds for kind in some}
