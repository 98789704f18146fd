"""Which image a report is of, which build made it, and which images it follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from builds.branches import BranchClass, branch_class
from builds.models import Build, Image, Service
from security.models import Lineage
from supplychain.reports.model import Artifact

GROUP = ("target", "variant", "environment", "platform")


@dataclass(frozen=True, slots=True)
class Match:
    """An image with the newest build that made it."""

    image: Image
    build: Build
    branch_class: str


def digests_of(artifact: Artifact, stated: str) -> list[str]:
    """Return the digests that an image may be known by, the surest first.

    One of an index has several images: the configuration's digest tells which.
    """
    named = [reference.rpartition("@")[2] for reference in artifact.repo_digests]
    digests = [artifact.image_id, stated, *named]
    return list(dict.fromkeys(digest for digest in digests if digest))


def match(project_id: int, digests: list[str]) -> Match | None:
    """Return the image of a project with one of the digests, if a build is known that made it."""
    images = list(
        Image.objects.filter(project=project_id, config_digest__in=digests)
        | Image.objects.filter(project=project_id, digest__in=digests)
    )
    order = {digest: place for place, digest in enumerate(digests)}
    images.sort(
        key=lambda image: min(
            order.get(image.config_digest, len(order)), order.get(image.digest, len(order))
        )
    )
    for image in images:
        builds = Build.objects.filter(image_links__image=image).select_related("service")
        newest = builds.annotate(branch=branch_class()).order_by("-listed_at", "-pk").first()
        if newest is not None:
            return Match(image, newest, newest.branch)
    return None


def lineage_of(
    service: Service, found: Match | None, fields: Mapping[str, str], platform: str
) -> Lineage:
    """Return the lineage of an image, or of what has none, as its sender says."""
    if found is None:
        group = {name: fields.get(name, "") for name in GROUP} | {"platform": platform}
        branch = str(BranchClass.UNKNOWN)
    else:
        build = found.build
        group = {name: getattr(build, name) for name in ("target", "variant", "environment")}
        group["platform"] = found.image.platform
        branch = found.branch_class
    lineage, _ = Lineage.objects.get_or_create(service=service, branch_class=branch, **group)
    return lineage


def is_older(lineage: Lineage, found: Match | None) -> bool:
    """Tell whether an image is older than one of its lineage that was scanned before."""
    if found is None or lineage.image_at is None:
        return False
    return found.build.listed_at < lineage.image_at


def built_at(found: Match | None) -> datetime | None:
    """Return when the build of an image began."""
    return found.build.listed_at if found else None
