"""SPDX 2.2 and 2.3 as JSON."""

from collections import defaultdict
from collections.abc import Iterator

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.values import Json, as_dicts, as_list, as_text
from supplychain.reports.gathering import Attempts
from supplychain.reports.values import (
    NAME_LIMIT,
    PATH_LIMIT,
    WrongShapeError,
    bounded,
    child,
    moment,
    objects,
    text,
    texts,
)
from supplychain.sboms.model import Package, Sbom
from supplychain.sboms.packages import MAX_PACKAGES, image_digests, package_of, with_reach

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_DOCUMENT = "SPDXRef-DOCUMENT"
_NO_PACKAGES = ("OPERATING-SYSTEM", "CONTAINER", "FILE", "SOURCE", "DEVICE", "ARCHIVE")
# Before 2.3 there are no purposes: what Trivy calls its entries tells instead.
_TRIVY_SYSTEM = "SPDXRef-OperatingSystem-"
_TRIVY_DIGESTS = ("ImageID: ", "RepoDigest: ")
_FORWARD = ("DEPENDS_ON", "CONTAINS", "DESCRIBES")
_BACKWARD = ("DEPENDENCY_OF", "CONTAINED_BY", "DESCRIBED_BY")


def read(document: Json, attempts: Attempts, place: str, limits: Limits) -> Sbom:
    """Read a bill; raises ``ParseError`` for a version that is not known or too much of it."""
    spec_version = document.get("spdxVersion")
    if spec_version not in VERSIONS:
        raise ParseError(f"{place}/spdxVersion", f"only {' and '.join(VERSIONS)} are read")
    edges = _edges(document, limits, place)
    roots = _roots(document, edges)
    reader = _Reader(attempts, place, roots)
    attempts.each(document.get("packages"), f"{place}/packages", reader.read)
    at, nothing = f"{place}/creationInfo", Json()
    info = attempts.part(at, lambda: child(document, "creationInfo"), nothing)
    return Sbom(
        format="spdx",
        spec_version=str(spec_version).removeprefix("SPDX-"),
        name=attempts.part(place, lambda: text(document, "name", PATH_LIMIT), ""),
        created_at=attempts.part(at, lambda: moment(info, "created"), None),
        tools=attempts.part(at, lambda: tuple(_tools(info)), ()),
        digests=image_digests(reader.digests),
        packages=with_reach(reader.packages, roots, edges),
        edges=edges,
    )


class _Reader:
    """Packages, and the digests of the image that the document describes."""

    def __init__(self, attempts: Attempts, place: str, roots: set[str]) -> None:
        self._attempts = attempts
        self._place = place
        self._roots = roots
        self.packages: list[Package] = []
        self.digests: list[str] = []

    def read(self, entry: Json, _place: str) -> None:
        """Note a package; of an image its digests."""
        own = text(entry, "SPDXID", PATH_LIMIT)
        purl = _purl(entry)
        if own in self._roots:
            self.digests += _digests(entry, purl)
        version = text(entry, "versionInfo")
        is_unnamed = not purl and (not version or own in self._roots)
        purpose = text(entry, "primaryPackagePurpose").upper()
        if is_unnamed or purpose in _NO_PACKAGES or own.startswith(_TRIVY_SYSTEM):
            return
        name = text(entry, "name")
        if not name:
            raise WrongShapeError("name is missing")
        package = package_of(
            ref=own,
            purl=purl,
            name=name,
            version=version,
            licences=tuple(_licences(entry)),
            supplier=text(entry, "supplier"),
        )
        if len(self.packages) == MAX_PACKAGES:
            raise ParseError(self._place, f"more than {MAX_PACKAGES} packages")
        if package:
            self.packages.append(package)


def _purl(entry: Json) -> str:
    for reference in objects(entry, "externalRefs"):
        if reference.get("referenceType") == "purl":
            return text(reference, "referenceLocator", PATH_LIMIT)
    return ""


def _licences(entry: Json) -> Iterator[str]:
    """Yield what was concluded, or else what was declared."""
    for key in ("licenseConcluded", "licenseDeclared"):
        found = text(entry, key)
        if found and found not in {"NOASSERTION", "NONE"}:
            yield found
            return


def _digests(entry: Json, purl: str) -> Iterator[str]:
    """Yield texts with digests of an image: Trivy's notes, Syft's version, package URLs."""
    for note in objects(entry, "annotations"):
        comment = text(note, "comment", PATH_LIMIT)
        if comment.startswith(_TRIVY_DIGESTS):
            yield comment
    yield text(entry, "versionInfo")
    if purl.startswith(("pkg:oci/", "pkg:docker/")):
        yield purl


def _edges(document: Json, limits: Limits, place: str) -> dict[str, tuple[str, ...]]:
    """Return what entries need or hold, whichever way it is written."""
    relationships = as_list(document.get("relationships"))
    if len(relationships) > limits.max_edges:
        raise ParseError(f"{place}/relationships", f"more than {limits.max_edges} of them")
    found: dict[str, list[str]] = defaultdict(list)
    for item in as_dicts(relationships):
        kind = as_text(item.get("relationshipType"))
        ends = [
            bounded(as_text(item.get(key)), PATH_LIMIT)
            for key in ("spdxElementId", "relatedSpdxElement")
        ]
        if kind in _FORWARD:
            found[ends[0]].append(ends[1])
        elif kind in _BACKWARD:
            found[ends[1]].append(ends[0])
    return {ref: tuple(refs) for ref, refs in found.items()}


def _roots(document: Json, edges: dict[str, tuple[str, ...]]) -> set[str]:
    described = {as_text(ref) for ref in as_list(document.get("documentDescribes"))}
    return {*edges.get(_DOCUMENT, ()), *described} - {""}


def _tools(info: Json) -> Iterator[str]:
    for creator in texts(info, "creators"):
        if creator.startswith("Tool:"):
            yield bounded(creator.removeprefix("Tool:").strip(), NAME_LIMIT)
