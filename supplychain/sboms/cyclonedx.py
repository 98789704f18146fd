"""CycloneDX 1.2 to 1.7."""

from collections.abc import Iterator

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_dict, as_dicts, as_list
from supplychain.reports.cyclonedx import NO_PACKAGES, licenses_of, properties_of, tools_of
from supplychain.reports.gathering import Attempts
from supplychain.reports.values import (
    NAME_LIMIT,
    PATH_LIMIT,
    WrongShapeError,
    bounded,
    child,
    members,
    moment,
    text,
)
from supplychain.sboms.model import Package, Sbom
from supplychain.sboms.packages import MAX_PACKAGES, image_digests, package_of, with_reach

VERSIONS = tuple(f"1.{minor}" for minor in range(2, 8))
MAX_DEPTH = 20
"""Components within components."""

_DIGEST_NAMES = ("ImageID", "RepoDigest")


def read(document: Json, attempts: Attempts, place: str, limits: Limits) -> Sbom:
    """Read a bill; raises ``ParseError`` for a version that is not known or too much of it."""
    spec_version = document.get("specVersion")
    if spec_version not in VERSIONS:
        known = f"{VERSIONS[0]} to {VERSIONS[-1]}"
        raise ParseError(f"{place}/specVersion", f"only CycloneDX {known} is read")
    metadata = as_dict(document.get("metadata"))
    root = as_dict(metadata.get("component"))
    at = f"{place}/metadata"
    reader = _Reader(attempts, place)
    reader.read(root, f"{at}/component", is_root=True)
    reader.read_all(document.get("components"), f"{place}/components")
    edges = _edges(document, limits, place)
    return Sbom(
        format="cyclonedx",
        spec_version=str(spec_version),
        name=attempts.part(f"{at}/component", lambda: text(root, "name", PATH_LIMIT), ""),
        created_at=attempts.part(at, lambda: moment(metadata, "timestamp"), None),
        tools=attempts.part(f"{at}/tools", lambda: tuple(_tools(metadata)), ()),
        digests=attempts.part(f"{at}/component", lambda: _digests(root), ()),
        packages=with_reach(reader.packages, [_ref(root)] if root else [], edges),
        edges=edges,
    )


class _Reader:
    """Packages among components, at whatever depth."""

    def __init__(self, attempts: Attempts, place: str) -> None:
        self._attempts = attempts
        self._place = place
        self.packages: list[Package] = []

    def read_all(self, components: object, place: str, depth: int = 1) -> None:
        """Read components and those within them, in their order."""
        if components and depth > MAX_DEPTH:
            self._attempts.problems.add(place, f"is more than {MAX_DEPTH} components deep")
            return
        self._attempts.each(
            components, place, lambda component, at: self._read_whole(component, at, depth)
        )

    def _read_whole(self, component: Json, place: str, depth: int) -> None:
        self.read(component, place)
        self.read_all(component.get("components"), f"{place}/components", depth + 1)

    def read(self, component: Json, place: str, *, is_root: bool = False) -> None:
        """Note a component that is a package; what a bill is of is one if it has a package URL."""
        if component.get("type") in NO_PACKAGES or not component:
            return
        package = self._attempts.part(place, lambda: _package(component), None)
        is_named = package and (package.purl or (package.version and not is_root))
        if package is None or not is_named:
            return
        if len(self.packages) == MAX_PACKAGES:
            raise ParseError(self._place, f"more than {MAX_PACKAGES} packages")
        self.packages.append(package)


def _package(component: Json) -> Package | None:
    name = text(component, "name")
    if not name:
        raise WrongShapeError("name is missing")
    supplier = component.get("supplier")
    return package_of(
        ref=_ref(component),
        purl=text(component, "purl", PATH_LIMIT),
        name=name,
        version=text(component, "version"),
        namespace=text(component, "group"),
        licences=tuple(licenses_of(component)),
        supplier=text(child(component, "supplier"), "name") if supplier else "",
    )


def _ref(component: Json) -> str:
    ref = component.get("bom-ref")
    return bounded(ref, PATH_LIMIT) if isinstance(ref, str) else ""


def _edges(document: Json, limits: Limits, place: str) -> dict[str, tuple[str, ...]]:
    edges: dict[str, tuple[str, ...]] = {}
    count = 0
    for item in as_dicts(document.get("dependencies")):
        refs = [ref for ref in as_list(item.get("dependsOn")) if isinstance(ref, str)]
        count += len(refs)
        if count > limits.max_edges:
            raise ParseError(f"{place}/dependencies", f"more than {limits.max_edges} of them")
        if isinstance(item.get("ref"), str):
            own = bounded(item["ref"], PATH_LIMIT)
            edges[own] = (*edges.get(own, ()), *(bounded(ref, PATH_LIMIT) for ref in refs))
    return edges


def _tools(metadata: Json) -> Iterator[str]:
    for tool in tools_of(metadata):
        named = " ".join(filter(None, (text(tool, "name"), text(tool, "version"))))
        if named:
            yield bounded(named, NAME_LIMIT)


def _digests(root: Json) -> tuple[str, ...]:
    """Return the digests of an image that a bill is of: Trivy's properties, Syft's version."""
    members(root, "properties")
    of_trivy = [value for name, value in properties_of(root) if name in _DIGEST_NAMES]
    is_image = root.get("type") == "container"
    named = [text(root, "version"), text(root, "purl", PATH_LIMIT)] if is_image else []
    return image_digests([*of_trivy, *named])
