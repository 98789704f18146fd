"""Images among the materials of provenance, and which base of a Dockerfile each of them is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote

from buildkit.model import Material
from buildkit.registry import Reference
from buildkit.registry.reference import DOCKER_HUB
from supplychain.bases.stages import Base, Role, parsed

_PURL = "pkg:docker/"
_STEP = re.compile(r"\bFROM (\S+@sha256:[0-9a-f]{64})")
_FRONTENDS = frozenset({"docker/dockerfile", "docker/dockerfile-upstream"})


@dataclass(frozen=True, slots=True)
class MaterialImage:
    """An image that a build resolved: its name as it was asked for, and the digest it had."""

    reference: Reference
    digest: str
    platform: str = ""

    @property
    def was_pinned(self) -> bool:
        """Whether it was asked for by its digest: then it tells nothing of its tag."""
        return bool(self.reference.digest)


@dataclass(frozen=True, slots=True)
class StandsOn:
    """A base with the digest that it had in one build, empty if that is not known.

    ``base`` is ``None`` where no Dockerfile tells which stage an image is of, and its ``role`` too.
    """

    reference: Reference
    digest: str
    platform: str
    role: Role | None
    is_pinned: bool
    base: Base | None = None


def images_of(materials: Iterable[Material]) -> list[MaterialImage]:
    """Return the images among materials; the frontend that reads the Dockerfile is none of them."""
    found = (_image(material) for material in materials)
    return [image for image in found if image and not _is_frontend(image.reference)]


def images_of_steps(steps: Iterable[tuple[str, str]]) -> list[MaterialImage]:
    """Return the images that a build's ``FROM`` steps name, each given with its platform.

    BuildKit writes the digest that it found into a step's name. Whether the Dockerfile has it too
    cannot be told from that, so it is not of the reference here.
    """
    found = ((_STEP.search(name), platform) for name, platform in steps)
    named = ((parsed(match[1]), platform) for match, platform in found if match)
    return [
        MaterialImage(replace(reference, digest=""), reference.digest, platform)
        for reference, platform in named
        if reference and reference.digest and reference.tag
    ]


def _image(material: Material) -> MaterialImage | None:
    if not material.uri.startswith(_PURL):
        return None
    path, _, query = material.uri.removeprefix(_PURL).partition("?")
    name, _, tag = unquote(path.partition("#")[0]).partition("@")
    qualifiers = parse_qs(query)
    digest = (qualifiers.get("digest") or [""])[0]
    text = f"{name}:{tag}" if tag else name
    reference = parsed(f"{text}@{digest}" if digest else text)
    if reference is None:
        return None
    platform = (qualifiers.get("platform") or [""])[0]
    return MaterialImage(reference, material.digest or digest, platform)


def _is_frontend(reference: Reference) -> bool:
    return reference.host == DOCKER_HUB and reference.repository in _FRONTENDS


def standing(bases: Sequence[Base], images: Sequence[MaterialImage]) -> list[StandsOn]:
    """Return what a build stood on: the Dockerfile says as what, and provenance at which digest.

    Each base once a role and platform. An image that no base is, is told of without a role if there
    is no Dockerfile, or if one of its bases could not be read.
    """
    found: dict[tuple[object, ...], StandsOn] = {}
    matched: set[MaterialImage] = set()
    for base in bases:
        if base.reference is None:
            continue
        image = _match(base, base.reference, images)
        if image:
            matched.add(image)
        one = _stands(base, base.reference, image)
        found.setdefault((one.reference, one.digest, one.platform, one.role), one)
    if not bases or any(base.reference is None for base in bases):
        rest = (image for image in images if image not in matched)
        for image in rest:
            key = (image.reference, image.digest, image.platform, None)
            found.setdefault(
                key,
                StandsOn(image.reference, image.digest, image.platform, None, image.was_pinned),
            )
    return list(found.values())


def _match(
    base: Base, reference: Reference, images: Sequence[MaterialImage]
) -> MaterialImage | None:
    """Return the image of a base: of the same name, and of its platform if there are several."""
    same = [image for image in images if _names(image.reference) == _names(reference)]
    fitting = [image for image in same if base.platform in ("", image.platform)]
    return next(iter(fitting or same), None)


def _names(reference: Reference) -> tuple[str, str, str]:
    """Return what two names of one image have in common; a digest says more than a tag."""
    return (reference.name, "" if reference.digest else reference.tag, reference.digest)


def _stands(base: Base, reference: Reference, image: MaterialImage | None) -> StandsOn:
    digest = reference.digest or (image.digest if image else "")
    platform = image.platform if image else base.platform
    return StandsOn(reference, digest, platform, base.role, base.is_pinned, base)
