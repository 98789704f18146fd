"""Which image a report is of, which build made it, and which images it follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from django.db.models import Q, QuerySet

from builds.branches import BranchClass, branch_class
from builds.models import Build, Image, Service
from security.models import Lineage
from supplychain.reports.model import Artifact

ASKED_AT_ONCE = 1000
"""Reports of which one query asks whether their image is known now."""

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
        builds: Any = Build.objects.filter(image_links__image=image).select_related("service")
        newest = builds.annotate(branch=branch_class()).order_by("-listed_at", "-pk").first()
        if newest is not None:
            return Match(_within(image, newest, platform), newest, newest.branch)
    return None


def _within(image: Image, build: Build, platform: str) -> Image:
    """Return the image that an index stands for; the index itself if that cannot be told."""
    if not image.is_index:
        return image
    rows = build.images.without_indexes()
    # The record may say the variant, too, or nothing.
    found = list(rows.filter(Q(platform__startswith=platform) | Q(platform=""))[:2])
    return found[0] if len(found) == 1 else image


def now_known(waiting: QuerySet[Any]) -> list[int]:
    """Return of what waits for a build of its image what has one now, the oldest first."""
    rows = waiting.order_by("received_at").values_list("pk", "project", "digests")
    asked = batched(rows.iterator(chunk_size=ASKED_AT_ONCE), ASKED_AT_ONCE)
    return [pk for some in asked for pk in _now_known(some)]


def _now_known(rows: Sequence[tuple[int, int, list[str]]]) -> list[int]:
    digests = {digest for _, _, own in rows for digest in own}
    made = Image.objects.filter(build_links__isnull=False).known_by(digests)
    known = {
        (project, digest)
        for project, *own in made.values_list("project", "digest", "config_digest")
        for digest in own
    }
    return [pk for pk, project, own in rows if any((project, digest) in known for digest in own)]


def waiting_for(build: Build, waiting: QuerySet[Any]) -> list[int]:
    """Return of what waits for a build of its image what this build has made, the oldest first."""
    pairs = build.images.values_list("digest", "config_digest")
    digests = sorted({digest for pair in pairs for digest in pair if digest})
    if not digests:
        return []
    waiting = waiting.filter(project=build.project_id, digests__overlap=digests)
    return list(waiting.order_by("received_at").values_list("pk", flat=True))


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
        group["platform"] = found.image.platform
        branch = found.branch_class
    lineage, _ = Lineage.objects.get_or_create(service=service, branch_class=branch, **group)
    return lineage


def is_older(lineage: Lineage, found: Match | None) -> bool:
    """Tell whether an image is older than one of its lineage that was scanned before."""
    if found is None or lineage.image_at is None:
        return False
    return found.build.listed_at < lineage.image_at
