"""CycloneDX as Trivy writes it: packages with or without vulnerabilities, or these alone.

Components of the types application and operating system are what Trivy calls targets; a package
is of the target from which dependencies lead to it.
"""

from collections.abc import Iterator
from dataclasses import replace

from buildkit.values import Json, as_dict, as_dicts, as_list
from supplychain.reports.cyclonedx_ratings import Ratings
from supplychain.reports.gathering import Gathering
from supplychain.reports.model import (
    Artifact,
    Package,
    Report,
    Scanner,
    Suppressed,
    Target,
    TargetClass,
    Vulnerability,
)
from supplychain.reports.purls import parse_purl
from supplychain.reports.values import (
    NAME_LIMIT,
    PATH_LIMIT,
    PROSE_LIMIT,
    URL_LIMIT,
    WrongShapeError,
    aliases_of,
    bounded,
    child,
    moment,
    objects,
    text,
)

_NAMESPACE = "aquasecurity:trivy:"
_TARGET_TYPES = ("operating-system", "application")
NO_PACKAGES = ("operating-system", "container", "file", "platform", "cryptographic-asset")
"""Types of components that are no packages."""

_OS_PURLS = ("apk", "deb", "rpm", "alpm")
_COLON_GROUPS = "pkg:maven/"
# Names of the targets under which Trivy lists packages that lie in files of their own.
_TARGET_NAMES = {
    "conda-pkg": "Conda",
    "gemspec": "Ruby",
    "jar": "Java",
    "node-pkg": "Node.js",
    "python-pkg": "Python",
}
_SUPPRESSED = {
    "not_affected": "not_affected",
    "false_positive": "not_affected",
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
}


def read(document: Json, gathering: Gathering) -> Report:
    """Read a bill of materials."""
    metadata = as_dict(document.get("metadata"))
    place = "report/metadata"
    scanner = gathering.part(f"{place}/tools", lambda: _scanner(metadata), Scanner("", ""))
    artifact = gathering.part(
        f"{place}/component", lambda: _artifact(metadata, document), Artifact("", "")
    )
    created_at = gathering.part(place, lambda: moment(metadata, "timestamp"), None)
    components = _Components(document, artifact, gathering)
    gathering.each(document.get("components"), "report/components", components.read)
    gathering.each(
        document.get("vulnerabilities"), "report/vulnerabilities", components.read_vulnerability
    )
    return gathering.report("cyclonedx", scanner, artifact, created_at)


def tools_of(metadata: Json) -> list[Json]:
    """Return the tools that made a document: a list until 1.4, an object with components since."""
    tools = metadata.get("tools")
    return as_dicts(tools) or as_dicts(as_dict(tools).get("components"))


def _scanner(metadata: Json) -> Scanner:
    """Return the first tool."""
    listed = tools_of(metadata)
    tool = listed[0] if listed else {}
    name = text(tool, "name")
    return Scanner("Trivy" if name == "trivy" else name, text(tool, "version"))


def _artifact(metadata: Json, document: Json) -> Artifact:
    component = child(metadata, "component")
    pairs = list(properties_of(component))
    systems = [
        item
        for item in as_dicts(document.get("components"))
        if item.get("type") == "operating-system"
    ]
    system = systems[0] if len(systems) == 1 else {}
    return Artifact(
        name=text(component, "name", PATH_LIMIT),
        kind="container_image" if component.get("type") == "container" else "",
        image_id=next((value for name, value in pairs if name == "ImageID"), ""),
        repo_digests=tuple(value for name, value in pairs if name == "RepoDigest"),
        repo_tags=tuple(value for name, value in pairs if name == "RepoTag"),
        diff_ids=tuple(value for name, value in pairs if name == "DiffID"),
        os_family=text(system, "name"),
        os_name=text(system, "version"),
    )


def properties_of(component: Json) -> Iterator[tuple[str, str]]:
    """Yield names, without Trivy's prefix, and values of a component's properties."""
    for item in objects(component, "properties"):
        name = text(item, "name")
        if name.startswith(_NAMESPACE):
            yield name.removeprefix(_NAMESPACE), text(item, "value", PATH_LIMIT)


def _system_target(artifact: str, family: str, version: str) -> str:
    """Return the name of a target of a system's packages, as it is in Trivy's own JSON."""
    return bounded(f"{artifact} ({family} {version})", PATH_LIMIT)


class _Components:
    """Targets and packages by their references."""

    def __init__(self, document: Json, artifact: Artifact, gathering: Gathering) -> None:
        self._artifact = artifact
        self._gathering = gathering
        self._packages: dict[str, Package] = {}
        self._targets: dict[Target, Target] = {}
        self._target_of = self._reach(document)

    def _reach(self, document: Json) -> dict[str, Target]:
        """Return the target of every reference that can be reached from one."""
        edges = {
            item["ref"]: [ref for ref in as_list(item.get("dependsOn")) if isinstance(ref, str)]
            for item in as_dicts(document.get("dependencies"))
            if isinstance(item.get("ref"), str)
        }
        found: dict[str, Target] = {}
        for component in as_dicts(document.get("components")):
            try:
                target = self._target(component)
            except WrongShapeError:
                # Told where the component is read.
                continue
            waiting = [component.get("bom-ref")] if target else []
            while waiting and target:
                ref = waiting.pop()
                if isinstance(ref, str) and ref not in found:
                    found[ref] = target
                    waiting += edges.get(ref, [])
        return found

    def _target(self, component: Json) -> Target | None:
        """Return the target that a component is; ``None`` for a package."""
        properties = dict(properties_of(component))
        if component.get("type") not in _TARGET_TYPES or "Class" not in properties:
            return None
        name = text(component, "name", PATH_LIMIT)
        if component.get("type") == "operating-system":
            name = _system_target(self._artifact.name, name, text(component, "version"))
        ecosystem = bounded(properties.get("Type", ""), NAME_LIMIT)
        return Target(name, bounded(properties["Class"], NAME_LIMIT), ecosystem)

    def read(self, component: Json, _place: str) -> None:
        """Note a component: a target or a package."""
        target = self._target(component)
        if target is not None:
            self._note(target)
        elif component.get("type") not in NO_PACKAGES:
            package = self._package(component)
            self._packages.setdefault(text(component, "bom-ref", PATH_LIMIT), package)
            self._gathering.packages.append(package)

    def _note(self, target: Target) -> Target:
        if target not in self._targets:
            self._targets[target] = target
            self._gathering.targets.append(target)
        return self._targets[target]

    def _package(self, component: Json) -> Package:
        properties = dict(properties_of(component))
        purl = text(component, "purl", PATH_LIMIT)
        group, name = text(component, "group"), text(component, "name")
        if group:
            name = f"{group}{':' if purl.startswith(_COLON_GROUPS) else '/'}{name}"
        ref = component.get("bom-ref")
        target = self._target_of.get(ref) if isinstance(ref, str) else None
        kind = properties.get("PkgType") or properties.get("Type", "")
        return Package(
            target=self._note(target or self._own_target(purl, kind)),
            name=bounded(name, NAME_LIMIT),
            version=text(component, "version"),
            purl=purl,
            path=properties.get("FilePath", ""),
            layer_digest=bounded(properties.get("LayerDigest", ""), NAME_LIMIT),
            layer_diff_id=bounded(properties.get("LayerDiffID", ""), NAME_LIMIT),
            licenses=tuple(licenses_of(component)),
            source_name=bounded(properties.get("SrcName", ""), NAME_LIMIT),
        )

    def _own_target(self, purl: str, kind: str) -> Target:
        """Return the target of a package to which no dependency leads."""
        purl_type, _, rest = purl.removeprefix("pkg:").partition("/")
        if purl_type in _OS_PURLS:
            artifact = self._artifact
            family = artifact.os_family or bounded(kind or rest.partition("/")[0], NAME_LIMIT)
            name = artifact.name
            if artifact.os_family:
                name = _system_target(name, family, artifact.os_name)
            return Target(name, TargetClass.OS_PACKAGES.value, family)
        ecosystem = bounded(kind or purl_type, NAME_LIMIT)
        name = _TARGET_NAMES.get(ecosystem, self._artifact.name)
        return Target(name, TargetClass.LANGUAGE_PACKAGES.value, ecosystem)

    def read_vulnerability(self, entry: Json, place: str) -> None:
        """Note a vulnerability for every package that it affects."""
        ratings = Ratings(entry)
        for index, affected in enumerate(objects(entry, "affects")):
            try:
                package = self._affected(affected)
            except WrongShapeError as error:
                self._gathering.leave_out(f"{place}/affects[{index}]", str(error))
                continue
            found = _vulnerability(entry, ratings, package)
            suppressed = _suppressed(entry, found)
            if suppressed:
                self._gathering.suppressed.append(suppressed)
            else:
                self._gathering.vulnerabilities.append(found)

    def _affected(self, affected: Json) -> Package:
        """Return the package that a reference is to, in this document or in another one."""
        # In another document it is ``urn:cdx:serial/version#ref``.
        ref = text(affected, "ref", URL_LIMIT)
        ref = ref.partition("#")[2] if ref.startswith("urn:cdx:") else ref
        versions = objects(affected, "versions")
        version = text(versions[0], "version") if versions else ""
        package = self._packages.get(ref[:PATH_LIMIT]) or self._by_purl(ref)
        # A package of a distribution has no epoch in its component, and has it here.
        same = not version or version == package.version
        return package if same else replace(package, version=version)

    def _by_purl(self, ref: str) -> Package:
        parsed = parse_purl(ref)
        if parsed is None:
            raise WrongShapeError("ref is to no component")
        purl = bounded(ref, PATH_LIMIT)
        joint = ":" if purl.startswith(_COLON_GROUPS) else "/"
        parts = [parsed.namespace, parsed.name] if parsed.type not in _OS_PURLS else [parsed.name]
        name = joint.join(part for part in parts if part)
        package = Package(
            target=self._note(self._own_target(purl, "")),
            name=bounded(name, NAME_LIMIT),
            version=bounded(parsed.version or "", NAME_LIMIT),
            purl=purl,
        )
        self._packages[purl] = package
        return package


def licenses_of(component: Json) -> Iterator[str]:
    """Yield the licences of a component: ids, names and expressions."""
    for choice in objects(component, "licenses"):
        named = child(choice, "license")
        found = text(named, "id") or text(named, "name") or text(choice, "expression")
        if found:
            yield found


def _vulnerability(entry: Json, ratings: Ratings, package: Package) -> Vulnerability:
    vulnerability_id = text(entry, "id")
    # The specification: references are to the same vulnerability elsewhere.
    others = tuple(text(item, "id") for item in objects(entry, "references"))
    advisories = objects(entry, "advisories")
    return Vulnerability(
        package=package,
        id=vulnerability_id,
        aliases=aliases_of(vulnerability_id, others),
        severity=ratings.severity,
        severity_source=ratings.source,
        fixed_version=_fixed_version(entry, package.name),
        status="",
        title="",
        url=text(advisories[0], "url", URL_LIMIT) if advisories else "",
        cvss_score=ratings.cvss_score,
        cvss_vector=ratings.cvss_vector,
        epss=ratings.epss,
        is_known_exploited=None,
        published_at=moment(entry, "published"),
    )


def _fixed_version(entry: Json, name: str) -> str:
    """Return the version that a recommendation tells for a package.

    ``Upgrade a to version 1; Upgrade b to version 2``, as Trivy writes it.
    """
    for told in text(entry, "recommendation", PROSE_LIMIT).split("; "):
        start, found, version = told.partition(" to version ")
        if found and start == f"Upgrade {name}":
            return bounded(version, NAME_LIMIT)
    return ""


def _suppressed(entry: Json, found: Vulnerability) -> Suppressed | None:
    """Return what the document says does not count; Trivy itself leaves such out."""
    analysis = child(entry, "analysis")
    status = _SUPPRESSED.get(text(analysis, "state"))
    if status is None:
        return None
    statement = text(analysis, "detail", PROSE_LIMIT) or text(analysis, "justification")
    return Suppressed(found, status, statement, "analysis")
