"""From what an image came and who vouches for it, as a graph of what is known and claimed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from bases.models import BaseImage
from buildinsights.templatetags.formats import short_digest
from buildkit.attestations import PROVENANCE
from buildkit.model import Material
from buildkit.values import Json, as_list, as_text, as_web_address
from builds.models import Build, Image
from policies.models import Verdict
from policies.pages import line_of as verdict_line
from sboms.models import Sbom
from supplychain.bases.materials import images_of
from supplychain.intoto import SBOM_TYPES
from supplychain.signing.attached import COSIGN_SIGNATURE
from trust.models import Verification
from trust.shown import Shown, shown

MOST_MATERIALS = 8
MOST_OF_KIND = 4
"""Signatures, SBOMs and the like of which each is shown."""

BEFORE, BUILD, IMAGE, ABOUT = range(4)
"""The columns: what went in, the build, the image, what is said of it."""

_UNSIGNED, _COUNTS, _REFUSED = "lost", "succeeded", "failed"
_SHOWN_ON_THEIR_OWN = (PROVENANCE, COSIGN_SIGNATURE, *SBOM_TYPES)


@dataclass(frozen=True, slots=True)
class Node:
    """One thing, with its state in words; ``badge`` only repeats that."""

    key: str
    column: int
    kind: str
    name: str
    state: str
    badge: str = ""
    detail: str = ""
    href: str = ""
    is_outside: bool = False
    """Whether the link leads to another site."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything leads to the build, that to the image, and that to what is said of it."""

    nodes: list[Node]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """Pairs of keys: what came before, what came of it."""
        hubs = {BEFORE: (None, "build"), BUILD: (None, "image"), ABOUT: ("image", None)}
        ends = ((node.key, *hubs[node.column]) for node in self.nodes if node.column in hubs)
        return [(start or key, end or key) for key, start, end in ends]

    def column(self, number: int) -> list[Node]:
        """Return the nodes of a column, the first on top."""
        return [node for node in self.nodes if node.column == number]


@dataclass(frozen=True, slots=True)
class Known:
    """What the graph is made of; ``verification`` is the one whose provenance counts here."""

    image: Image
    build: Build | None
    verification: Verification
    verifications: Sequence[Verification] = ()
    verdicts: Sequence[Verdict] = ()
    sboms: Sequence[Sbom] = ()
    bases: Mapping[str, BaseImage] = field(default_factory=dict)


def bases_of(project_id: int, said: Shown) -> dict[str, BaseImage]:
    """Return the base images of a project that are among materials, by their digests."""
    digests = {item.get("digest", "") for item in said.materials} - {""}
    rows: QuerySet[BaseImage] = BaseImage.objects.filter(project=project_id, digest__in=digests)
    return {base.digest: base for base in rows.select_related("project").order_by("pk")}


def graph_of(known: Known) -> Graph:
    """Return the graph of an image of which there is provenance."""
    said = shown(known.verification)
    return Graph(
        [
            _source(said),
            *_materials(said, known.bases),
            _build(said, known.build),
            _image(known),
            *_about(known, said),
        ]
    )


def _source(said: Shown) -> Node:
    source = said.source
    repository, revision = source.get("repository", ""), source.get("revision", "")
    return Node(
        key="source",
        column=BEFORE,
        kind="Source",
        name=repository or "Repository not named",
        state=f"Revision {revision[:12]}" if revision else "Revision not named",
        badge="" if revision else _UNSIGNED,
        detail=", ".join(filter(None, (revision, source.get("ref", "")))),
        href=as_web_address(repository),
        is_outside=True,
    )


def _materials(said: Shown, bases: Mapping[str, BaseImage]) -> Iterator[Node]:
    """Yield base images first; the source is a node already."""
    repository = said.source.get("repository") or None
    others = [item for item in said.materials if not _is_of(item.get("uri", ""), repository)]
    nodes = [_material(number, item, bases) for number, item in enumerate(others)]
    nodes.sort(key=lambda node: node.kind != "Base image")
    yield from _bounded(nodes, MOST_MATERIALS, "#materials-title")


def _is_of(uri: str, repository: str | None) -> bool:
    """Tell whether a material is the source itself, at whatever revision."""
    plain = uri.removeprefix("git+").partition("#")[0].partition("@")[0].removesuffix(".git")
    return repository is not None and plain == repository.removesuffix(".git")


def _material(number: int, item: Mapping[str, str], bases: Mapping[str, BaseImage]) -> Node:
    uri, digest = item.get("uri", ""), item.get("digest", "")
    images = images_of([Material(uri, digest)])
    base = bases.get(digest)
    return Node(
        key=f"material-{number}",
        column=BEFORE,
        kind="Base image" if images else "Material",
        name=str(replace(images[0].reference, digest="")) if images else uri or "Not named",
        state=f"Digest {short_digest(digest)}" if digest else "No digest: not pinned",
        badge="" if digest else _UNSIGNED,
        detail=f"{uri} {digest}".strip() if images else digest,
        href=base.get_absolute_url() if base else "",
    )


def _build(said: Shown, build: Build | None) -> Node:
    builder = as_text(said.provenance.get("builder"))
    return Node(
        key="build",
        column=BUILD,
        kind="Build",
        name=builder or "Builder not named",
        state=f"Recorded here: {build.get_status_display().lower()}"
        if build
        else "Not recorded here",
        badge=build.status if build else "",
        detail=as_text(said.provenance.get("build_type")),
        href=build.get_absolute_url() if build else as_web_address(builder),
        is_outside=build is None,
    )


def _image(known: Known) -> Node:
    newest = (*known.verifications, known.verification)[0]
    image = known.image
    return Node(
        key="image",
        column=IMAGE,
        kind="Image",
        name=image.digest,
        state=f"{'Trusted' if newest.passed else 'Not trusted'} in {newest.environment}",
        badge=_COUNTS if newest.passed else _REFUSED,
        detail=image.platform,
        href=reverse("sizes:image", args=[image.project.slug, image.digest]),
    )


def _about(known: Known, said: Shown) -> Iterator[Node]:
    yield _provenance(said, known.verification)
    for nodes, more in (
        (_attestations(said), known.verification.get_absolute_url()),
        (_sboms(known, said), reverse("sboms:sboms", args=[known.image.project.slug])),
        (_signatures(said), known.verification.get_absolute_url()),
        (_trust(known.verifications), "#signatures-title"),
        (_verdicts(known.verdicts), "#verdicts-title"),
    ):
        yield from _bounded(nodes, MOST_OF_KIND, more)


def _provenance(said: Shown, verification: Verification) -> Node:
    by = ", ".join(as_text(name) for name in as_list(said.provenance.get("by")))
    fault = as_text(said.provenance.get("fault"))
    state, badge = {
        "counts": (f"Signed by {by}" if by else "Signed", _COUNTS),
        "refused": (f"Does not count: {fault or 'refused'}", _REFUSED),
    }.get(as_text(said.provenance.get("standing")), ("Signed by nobody", _UNSIGNED))
    version = as_text(said.provenance.get("version"))
    return Node(
        key="provenance",
        column=ABOUT,
        kind="Attestation",
        name=f"Provenance, SLSA {version}".removesuffix(", SLSA "),
        state=state,
        badge=badge,
        href=verification.get_absolute_url(),
    )


def _attestations(said: Shown) -> list[Node]:
    """Return what is attested beside provenance and SBOMs."""
    nodes = []
    for number, item in enumerate(said.attached):
        kind = as_text(item.get("predicate_type"))
        if kind.startswith(_SHOWN_ON_THEIR_OWN):
            continue
        by = ", ".join(as_text(name) for name in as_list(item.get("signers")))
        state = f"Signed by {by}" if by else "Signed by nobody of the policy"
        badge = _COUNTS if by else _UNSIGNED
        name, digest = kind or "Type not named", as_text(item.get("digest"))
        node = Node(f"attestation-{number}", ABOUT, "Attestation", name, state, badge, digest)
        nodes.append(node)
    return nodes


def _sboms(known: Known, said: Shown) -> list[Node]:
    """Return the bills that are kept, or else the one that was only seen."""
    if not known.sboms and said.sbom:
        fault = as_text(said.sbom.get("fault"))
        state = f"Does not count: {fault}" if fault else "Seen, not kept here"
        name = f"{as_text(said.sbom.get('format'))}, {said.sbom.get('packages')} packages"
        return [Node("sbom-seen", ABOUT, "SBOM", name, state, _REFUSED if fault else _UNSIGNED)]
    return [
        Node(
            key=f"sbom-{number}",
            column=ABOUT,
            kind="SBOM",
            name=f"{sbom.get_format_display()} {sbom.spec_version}, {sbom.package_count} packages",
            state=_signed(sbom),
            badge=sbom.signature_badge if sbom.signature else "",
            detail=sbom.get_source_display(),
            href=sbom.get_absolute_url(),
        )
        for number, sbom in enumerate(known.sboms)
    ]


def _signed(sbom: Sbom) -> str:
    by = f" by {', '.join(sbom.signed_by)}" if sbom.signed_by else ""
    return f"{sbom.get_signature_display() or 'Signature not said'}{by}"


def _signatures(said: Shown) -> list[Node]:
    return [_signature(number, item) for number, item in enumerate(said.signatures)]


def _signature(number: int, item: Json) -> Node:
    by = ", ".join(as_text(name) for name in as_list(item.get("by")))
    fault, fingerprint = as_text(item.get("fault")), as_text(item.get("fingerprint"))
    return Node(
        key=f"signature-{number}",
        column=ABOUT,
        kind="Signature",
        name=by or (f"Key {fingerprint[:16]}" if fingerprint else "Key not named"),
        state=f"Does not count: {fault}" if fault else "Counts",
        badge=_REFUSED if fault else _COUNTS,
        detail=as_text(item.get("store")),
    )


def _trust(verifications: Sequence[Verification]) -> list[Node]:
    return [
        Node(
            key=f"verification-{number}",
            column=ABOUT,
            kind="Verification",
            name=row.environment,
            state="Trusted" if row.passed else "Not trusted",
            badge=_COUNTS if row.passed else _REFUSED,
            detail=", ".join(shown(row).codes),
            href=row.get_absolute_url(),
        )
        for number, row in enumerate(_newest(verifications, lambda row: row.environment))
    ]


def _verdicts(verdicts: Sequence[Verdict]) -> list[Node]:
    return [
        Node(
            key=f"verdict-{number}",
            column=ABOUT,
            kind="Verdict",
            name=f"{line['policy']} in {row.environment}" if row.environment else line["policy"],
            state=row.get_outcome_display(),
            badge=line["badge"],
            detail=line["first"],
            href=row.get_absolute_url(),
        )
        for number, row in enumerate(_newest(verdicts, lambda row: row.environment))
        for line in [verdict_line(row)]
    ]


def _newest[T](rows: Sequence[T], of: Callable[[T], Any]) -> list[T]:
    """Return the first row of each, as rows are the newest first."""
    found: dict[Any, T] = {}
    for row in rows:
        found.setdefault(of(row), row)
    return list(found.values())


def _bounded(nodes: Sequence[Node], most: int, more: str) -> Iterator[Node]:
    """Yield the first nodes, and one for how many there are beside these."""
    yield from nodes[:most]
    if rest := nodes[most:]:
        yield replace(
            rest[0],
            key=f"{rest[0].key}-on",
            name=f"and {len(rest)} more",
            state="Each is listed there",
            badge="",
            detail="",
            href=more,
            is_outside=False,
        )
