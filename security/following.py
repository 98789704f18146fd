"""Which image of a lineage is the newest: statements may be about that one alone."""

import re
from collections.abc import Collection

from django.db.models import Q

from security.matching import Match
from security.models import Finding, Lineage, Scan, VexStatement

TAG = re.compile(r"(@[a-z0-9]+:[0-9a-f]+|:[A-Za-z0-9_][\w.-]*)+$")
LATEST = ("image_at", "image_name", "image_digest", "digests")


def follow(lineage: Lineage, scan: Scan, found: Match | None) -> set[int]:
    """Note the image of a scan as its lineage's newest.

    Returns the findings of which statements on particular images may hold now, or no more, and
    those that are in an environment now, or no more, because its image is that of another, too.
    """
    old = lineage.image_digest
    before = tuple(getattr(lineage, name) for name in LATEST)
    lineage.image_at = found.build.listed_at if found else lineage.image_at
    lineage.image_name = TAG.sub("", scan.image_name)
    lineage.digests = _digests(scan, found)
    lineage.image_digest = _manifest(scan, found)
    if tuple(getattr(lineage, name) for name in LATEST) == before:
        return set()
    lineage.save(update_fields=LATEST)
    return _stated_by_image(lineage) | _in_same_image(lineage, {old, lineage.image_digest} - {""})


def _in_same_image(lineage: Lineage, digests: Collection[str]) -> set[int]:
    others = Lineage.objects.filter(service=lineage.service_id, image_digest__in=digests)
    others = others.exclude(environment=lineage.environment)
    there = Finding.objects.filter(presences__lineage__in=others, presences__ended_at=None)
    return set(there.order_by().values_list("pk", flat=True))


def _digests(scan: Scan, found: Match | None) -> list[str]:
    own = [found.image.digest, found.image.config_digest, found.build.image_digest] if found else []
    return sorted({*filter(None, (*scan.digests, *own))})


def _manifest(scan: Scan, found: Match | None) -> str:
    """Return the digest of an image's manifest: of one that no build made the last that is named.

    The first may be of its configuration.
    """
    return found.image.digest if found else next(iter(scan.digests[::-1]), "")


def _stated_by_image(lineage: Lineage) -> set[int]:
    stated = VexStatement.objects.filter(~Q(image_digest="") | ~Q(image=""), is_understood=True)
    stated = stated.filter(project=lineage.service.project_id)
    names = {name for row in stated.order_by().values_list("names", flat=True) for name in row}
    if not names:
        return set()
    there = Finding.objects.filter(presences__lineage=lineage, presences__ended_at=None)
    named = Q(name__in=names) | Q(aliases__overlap=list(names))
    return set(there.filter(named).order_by().values_list("pk", flat=True))
