"""Which images a digest stands for: one, or those of an index, each for its platform."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.models import Project
from builds.models import Build, Image
from security.matching import maker_of


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: the images that a digest stands for, and the build that they are of.

    ``digests`` are all by which a scan may know them. Of what no build made there are no images.
    """

    project: Project
    digest: str
    images: tuple[Image, ...]
    build: Build | None
    digests: tuple[str, ...]


def subject_of(project: Project, digest: str) -> Subject:
    """Return what a project knows by the digest of a manifest, an index or a configuration."""
    direct = list(Image.objects.filter(project=project).known_by([digest]))
    build = _build(project, direct, digest)
    images = direct if not build or _are_single(direct) else _of_build(build)
    own = [text for image in images for text in (image.digest, image.config_digest) if text]
    return Subject(project, digest, tuple(images), build, tuple(dict.fromkeys([digest, *own])))


def _build(project: Project, images: list[Image], digest: str) -> Build | None:
    made: Any = Q(images__in=images) if images else Q(image_digest=digest)
    found = maker_of(Build.objects.filter(made, project=project))
    return found[0] if found else None


def _are_single(images: list[Image]) -> bool:
    return bool(images) and not any(image.is_index for image in images)


def _of_build(build: Build) -> list[Image]:
    """Return the images of a build, of each platform one, without their index."""
    images = Image.objects.filter(builds=build).without_indexes()
    return list(images.order_by("platform", "pk"))
