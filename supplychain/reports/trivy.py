"""Trivy's own JSON: reports of schema 2, and the list of results that schema 1 is."""

import re
from collections.abc import Callable

from buildkit.values import Json, as_float
from supplychain.reports.gathering import Gathering
from supplychain.reports.model import (
    Artifact,
    License,
    Misconfiguration,
    Package,
    Report,
    Scanner,
    Secret,
    Suppressed,
    Target,
    Vulnerability,
)
from supplychain.reports.secrecy import MASK, fingerprint, without
from supplychain.reports.values import (
    MAX_CVSS,
    PATH_LIMIT,
    PROSE_LIMIT,
    URL_LIMIT,
    WrongShapeError,
    aliases_of,
    bounded,
    child,
    is_true,
    kind_of,
    line,
    moment,
    objects,
    score,
    severity,
    text,
    texts,
)

SCANNER = "Trivy"
_CVSS_VERSIONS = (("V3Score", "V3Vector"), ("V40Score", "V40Vector"), ("V2Score", "V2Vector"))
# Values of variables may be secrets, and no other finding of theirs masks them.
_VARIABLES = re.compile(r"^\s*(?:ENV|ARG)\s", re.IGNORECASE)
_ASSIGNED = re.compile(r"""=(?:"(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\]|\\.)*)""", re.DOTALL)
_SPACED = re.compile(r"^(\s*ENV\s+[^\s=]+\s+)[^=]*$", re.IGNORECASE | re.DOTALL)


def read_schema_2(document: Json, gathering: Gathering) -> Report:
    """Read a report of schema 2; its results may be missing."""
    gathering.each(document.get("Results"), "report/Results", _result_reader(gathering))
    scanner = gathering.part("report/Trivy", lambda: _scanner(document), Scanner(SCANNER, ""))
    artifact = gathering.part("report/Metadata", lambda: _artifact(document), Artifact("", ""))
    created_at = gathering.part("report", lambda: moment(document, "CreatedAt"), None)
    return gathering.report("trivy-2", scanner, artifact, created_at)


def read_schema_1(results: list[object], gathering: Gathering) -> Report:
    """Read the list of results that was a report until Trivy 0.20: it names no artifact."""
    gathering.each(results, "report", _result_reader(gathering))
    return gathering.report("trivy-1", Scanner(SCANNER, ""), Artifact("", ""), None)


def _scanner(document: Json) -> Scanner:
    return Scanner(SCANNER, text(child(document, "Trivy"), "Version"))


def _artifact(document: Json) -> Artifact:
    metadata = child(document, "Metadata")
    system = child(metadata, "OS")
    config = child(metadata, "ImageConfig")
    platform = (text(config, "os"), text(config, "architecture"))
    return Artifact(
        name=text(document, "ArtifactName", PATH_LIMIT),
        kind=text(document, "ArtifactType"),
        image_id=text(metadata, "ImageID"),
        repo_digests=texts(metadata, "RepoDigests", PATH_LIMIT),
        repo_tags=texts(metadata, "RepoTags", PATH_LIMIT),
        diff_ids=texts(metadata, "DiffIDs"),
        os_family=text(system, "Family"),
        os_name=text(system, "Name"),
        os_is_end_of_life=is_true(system, "EOSL"),
        platform="/".join(platform) if all(platform) else "",
    )


def _result_reader(gathering: Gathering) -> Callable[[Json, str], None]:
    def read(result: Json, place: str) -> None:
        target = Target(
            name=text(result, "Target", PATH_LIMIT),
            target_class=text(result, "Class"),
            ecosystem=text(result, "Type"),
        )
        gathering.targets.append(target)
        packages = _Packages(target)

        def vulnerability(entry: Json) -> Vulnerability:
            return _vulnerability(entry, packages.of_finding(entry))

        def secret(entry: Json) -> Secret:
            return _secret(entry, target, gathering.key)

        collect = gathering.collect
        collect(gathering.packages, result, "Packages", place, packages.of_inventory)
        collect(gathering.vulnerabilities, result, "Vulnerabilities", place, vulnerability)
        collect(
            gathering.misconfigurations,
            result,
            "Misconfigurations",
            place,
            lambda entry: _misconfiguration(entry, target),
        )
        collect(gathering.secrets, result, "Secrets", place, secret)
        collect(
            gathering.licenses, result, "Licenses", place, lambda entry: _license(entry, target)
        )
        suppressed: list[Suppressed | None] = []
        key = "ExperimentalModifiedFindings"
        collect(suppressed, result, key, place, lambda entry: _suppressed(entry, packages))
        gathering.suppressed += filter(None, suppressed)

    return read


class _Packages:
    """Packages of one target: those of findings are made once each."""

    __slots__ = ("_known", "_target")

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[tuple[str, ...], Package] = {}

    def of_finding(self, entry: Json) -> Package:
        """Return the package that a vulnerability is of."""
        layer = child(entry, "Layer")
        key = (
            text(entry, "PkgName"),
            text(entry, "InstalledVersion"),
            text(child(entry, "PkgIdentifier"), "PURL", PATH_LIMIT),
            text(entry, "PkgPath", PATH_LIMIT),
            text(layer, "Digest"),
            text(layer, "DiffID"),
        )
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Package(self._target, *key)
        return found

    def of_inventory(self, entry: Json) -> Package:
        """Return a package of the target's list."""
        layer = child(entry, "Layer")
        return Package(
            target=self._target,
            name=text(entry, "Name"),
            version=_full_version(entry),
            purl=text(child(entry, "Identifier"), "PURL", PATH_LIMIT),
            path=text(entry, "FilePath", PATH_LIMIT),
            layer_digest=text(layer, "Digest"),
            layer_diff_id=text(layer, "DiffID"),
            licenses=texts(entry, "Licenses"),
            source_name=text(entry, "SrcName"),
        )


def _full_version(entry: Json) -> str:
    """Return the version as findings have it: ``epoch:version-release``."""
    version, release = text(entry, "Version"), text(entry, "Release")
    epoch = line(entry, "Epoch")
    if version and release:
        version = f"{version}-{release}"
    return f"{epoch}:{version}" if version and epoch else version


def _vulnerability(entry: Json, package: Package) -> Vulnerability:
    vulnerability_id = text(entry, "VulnerabilityID")
    source = text(entry, "SeveritySource")
    cvss_score, cvss_vector = _cvss(entry, source)
    return Vulnerability(
        package=package,
        id=vulnerability_id,
        aliases=aliases_of(vulnerability_id, texts(entry, "VendorIDs")),
        severity=severity(entry, "Severity"),
        severity_source=source,
        fixed_version=text(entry, "FixedVersion"),
        status=text(entry, "Status"),
        title=text(entry, "Title", PROSE_LIMIT),
        url=text(entry, "PrimaryURL", URL_LIMIT),
        cvss_score=cvss_score,
        cvss_vector=cvss_vector,
        epss=_epss(entry),
        is_known_exploited=None,
        published_at=moment(entry, "PublishedDate"),
    )


def _cvss(entry: Json, source: str) -> tuple[float | None, str]:
    ratings = child(entry, "CVSS")
    for score_key, vector_key in _CVSS_VERSIONS if ratings else ():
        best: float | None = None
        chosen: Json = {}
        for name, rating in ratings.items():
            if type(rating) is not dict:
                raise WrongShapeError(f"CVSS holds {kind_of(rating)}, expected objects")
            if score_key not in rating:
                continue
            found = score(rating, score_key, MAX_CVSS)
            if found is not None and (name == source or best is None or found > best):
                best, chosen = found, rating
                if name == source:
                    break
        if best is not None:
            return best, text(chosen, vector_key)
    return None, ""


def _epss(entry: Json) -> float | None:
    """Trivy itself writes neither EPSS nor KEV; the plugin for EPSS writes this member.

    ``Custom`` is free for anything else, so that what is no probability is no mistake.
    """
    custom = entry.get("Custom")
    if type(custom) is not dict:
        return None
    value = as_float(custom.get("epss_score"))
    return value if value is not None and 0 <= value <= 1 else None


def _misconfiguration(entry: Json, target: Target) -> Misconfiguration:
    # Versions around 0.25 had the other name.
    cause = child(entry, "CauseMetadata") or child(entry, "IacMetadata")
    return Misconfiguration(
        target=target,
        id=text(entry, "ID"),
        status=text(entry, "Status"),
        severity=severity(entry, "Severity"),
        title=text(entry, "Title", PROSE_LIMIT),
        message=text(entry, "Message", PROSE_LIMIT),
        resolution=text(entry, "Resolution", PROSE_LIMIT),
        url=text(entry, "PrimaryURL", URL_LIMIT),
        resource=text(cause, "Resource", PATH_LIMIT) or _instruction(cause, target),
        start_line=line(cause, "StartLine"),
        end_line=line(cause, "EndLine"),
    )


def _instruction(cause: Json, target: Target) -> str:
    """Return a Dockerfile's instruction, values of variables masked; other code is not kept."""
    if target.ecosystem != "dockerfile":
        return ""
    lines = objects(child(cause, "Code"), "Lines")
    told = "\n".join(
        text(item, "Content", PATH_LIMIT) for item in lines if is_true(item, "IsCause")
    )
    if _VARIABLES.match(told):
        told = _SPACED.sub(rf"\g<1>{MASK}", _ASSIGNED.sub(f"={MASK}", told))
    return bounded(told, PATH_LIMIT)


def _secret(entry: Json, target: Target, key: bytes) -> Secret:
    match = entry.get("Match")
    if match is None:
        match = ""
    elif type(match) is not str:
        raise WrongShapeError(f"Match is {kind_of(match)}, expected text")
    layer = child(entry, "Layer")
    return Secret(
        target=target,
        rule_id=_unmatched(entry, "RuleID", match),
        category=_unmatched(entry, "Category", match),
        severity=severity(entry, "Severity"),
        title=_unmatched(entry, "Title", match),
        start_line=line(entry, "StartLine"),
        end_line=line(entry, "EndLine"),
        layer_digest=text(layer, "Digest"),
        layer_diff_id=text(layer, "DiffID"),
        fingerprint=fingerprint(key, match),
    )


def _unmatched(entry: Json, key: str, match: str) -> str:
    text(entry, key)
    return without(match, entry.get(key) or "")


def _license(entry: Json, target: Target) -> License:
    return License(
        target=target,
        package_name=text(entry, "PkgName"),
        path=text(entry, "FilePath", PATH_LIMIT),
        name=text(entry, "Name"),
        category=text(entry, "Category"),
        severity=severity(entry, "Severity"),
        url=text(entry, "Link", URL_LIMIT),
    )


def _suppressed(entry: Json, packages: _Packages) -> Suppressed | None:
    """Return a suppressed vulnerability; ``None`` for a finding of another type."""
    if text(entry, "Type") != "vulnerability":
        return None
    finding = child(entry, "Finding")
    return Suppressed(
        vulnerability=_vulnerability(finding, packages.of_finding(finding)),
        status=text(entry, "Status"),
        statement=text(entry, "Statement", PROSE_LIMIT),
        source=text(entry, "Source", PATH_LIMIT),
    )
