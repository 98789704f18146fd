"""Official images that could take a base's place: named, and not measured.

Distroless and alpine stand first. That they fit is not known: without a shell some entry points
fail, and musl is another C library than glibc.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buildkit.registry import Reference
from supplychain.bases.names import Tag, describe
from supplychain.bases.tags import other_variants

NODE_IN_DISTROLESS = (20, 22, 24)
PYTHON_IN_DISTROLESS: dict[tuple[int, ...], str] = {(3, 11): "debian12", (3, 13): "debian13"}
JAVA_IN_DISTROLESS = (17, 21)
MOST_VARIANTS = 4
"""Of a repository's own tags, those that are named."""

_GLIBC = "It has no shell and no package manager: what a start needs must be in the image."
_MUSL = "Its C library is musl: what was compiled for glibc has to be built again."
_SLIM = "It leaves out what is seldom needed: a start that needs it has to install it."
_STATIC = "For programs without libraries of the system, a Go program for example."
_WITH_ALPINE = frozenset({"node", "python", "nginx", "golang", "ruby", "php", "rust"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that is worth a try, and what to look out for."""

    reference: Reference
    remark: str


def candidates_for(reference: Reference) -> list[Candidate]:
    """Return official images of the same runtime and version that are smaller by their making.

    Of a base that is of such a family already, or whose runtime or version its name does not tell,
    there are none.
    """
    said, tag = describe(reference), Tag.parse(reference.tag)
    if said.family in ("distroless", "alpine"):
        return []
    found = [*_distroless(said.runtime, tag), *_alpine(said.runtime, tag)]
    if not said.runtime and said.family in ("debian", "ubuntu"):
        found = [
            Candidate(Reference.parse("gcr.io/distroless/base-debian12:nonroot"), _GLIBC),
            Candidate(Reference.parse("gcr.io/distroless/static-debian12:nonroot"), _STATIC),
            Candidate(Reference.parse("alpine:3"), _MUSL),
        ]
    return found


def variants_in(reference: Reference, tags: Iterable[str]) -> list[Candidate]:
    """Return the smaller variants of the same version that a repository is known to have."""
    found = []
    for tag in other_variants(reference.tag, tags):
        one = reference.tagged(tag)
        words = Tag.parse(tag).variant.split("-")
        if describe(one).family == "alpine" or "slim" in words:
            remark = _MUSL if describe(one).family == "alpine" else _SLIM
            found.append(Candidate(one, remark))
    return sorted(found, key=lambda one: describe(one.reference).family != "alpine")[:MOST_VARIANTS]


def _distroless(runtime: str, tag: Tag) -> Iterator[Candidate]:
    major = tag.version[0] if tag.version else None
    name = ""
    if runtime == "node" and major in NODE_IN_DISTROLESS:
        name = f"nodejs{major}-debian12"
    elif runtime == "java" and major in JAVA_IN_DISTROLESS:
        name = f"java{major}-debian12"
    elif runtime == "python" and tag.version[:2] in PYTHON_IN_DISTROLESS:
        name = f"python3-{PYTHON_IN_DISTROLESS[tag.version[:2]]}"
    elif runtime == "golang":
        name = "static-debian12"
    if name:
        remark = _STATIC if runtime == "golang" else _GLIBC
        yield Candidate(Reference.parse(f"gcr.io/distroless/{name}:nonroot"), remark)


def _alpine(runtime: str, tag: Tag) -> Iterator[Candidate]:
    version = ".".join(map(str, tag.version)) or tag.channel
    if version and runtime in _WITH_ALPINE:
        yield Candidate(Reference.parse(f"{runtime}:{version}-alpine"), _MUSL)
