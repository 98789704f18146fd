"""Which image a report is of, which build made it, and which images it follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from builds.branches import BranchClass, branch_class
from builds.models import Build, Image, Service
from security.models import Lineage
from security.states import BRANCHES
from supplychain.reports.model import Artifact

GROUP = ("target", "variant", "environment", "platform")


@dataclass(frozen=True, slots=True)
class Match:
    """An image with the build that it is of."""

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


def match(project_id: int, digests: list[str], platform: str = "") -> Match | None:
    """Return the image of a project with one of the digests, if a build is known that made it.

    Of an index it is the image for the platform, or the only one that there is.
    """
    images = list(Image.objects.filter(project=project_id).known_by(digests))
    order = {digest: place for place, digest in enumerate(digests)}
    images.sort(
        key=lambda image: min(
            order.get(image.config_digest, len(order)), order.get(image.digest, len(order))
        )
    )
    for image in images:
        made = maker_of(Build.objects.filter(image_links__image=image))
        if made is not None:
            build, branch = made
            return Match(_within(image, build, platform), build, branch)
    return None


def maker_of(builds: QuerySet[Build]) -> tuple[Build, str] | None:
    """Return the build that an image is of, with its class of branch.

    Of all that made the same it is the newest of those whose images are in use, if there are any:
    a pull request that changes nothing in an image takes none out of use.
    """
    found: Any = builds.select_related("service").annotate(branch=branch_class())
    found = found.annotate(is_in_use=~Q(branch__in=BRANCHES))
    first = found.order_by("-is_in_use", "-listed_at", "-pk").first()
    return (first, first.branch) if first else None


def _within(image: Image, build: Build, platform: str) -> Image:
    """Return the image that an index stands for; the index itself if that cannot be told."""
    if not image.is_index:
        return image
    rows = build.images.without_indexes()
    # The record may say the variant, too, or nothing.
    found = list(rows.filter(Q(platform__startswith=platform) | Q(platform=""))[:2])
    return found[0] if len(found) == 1 else image


def lineage_of(
    service: Service, found: Match | None, fields: Mapping[str, str], platform: str
) -> Lineage:
    """Return the lineage of an image, or of what has none, as its sender says."""
    if found is None:
        group: dict[str, Any] = {name: fields.get(name, "") for name in GROUP}
        group["platform"] = platform
        branch = str(BranchClass.UNKNOWN)
    else:
        build = found.build
        group = {name: getattr(build, name) for name in ("target", "variant", "environment")}
        # A build whose metadata alone is here may have made an index, and does not say so.
        group["platform"] = found.image.platform or platform
        branch = found.branch_class
    lineage, _ = Lineage.objects.get_or_create(service=service, branch_class=branch, **group)
    return lineage


def is_older(lineage: Lineage, found: Match | None) -> bool:
    """Tell whether an image is older than one of its lineage that was scanned before."""
    if found is None or lineage.image_at is None:
        return False
    return found.build.listed_at < lineage.image_at
