"""From when to when a bill's image was the newest of its lineage, in whatever order bills come."""

from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from sboms.models import Sbom, SbomPackage


def place(sbom: Sbom) -> bool:
    """Put a bill between those of the images before and after its own; tell whether it is in use.

    The lineage's service is locked. Another bill of the same build gives its place to this one,
    unless it stands surer.
    """
    others = Sbom.objects.filter(lineage=sbom.lineage, in_use__isnull=False).exclude(pk=sbom.pk)
    replaced = list(others.filter(since=sbom.since))
    if any(other.standing > sbom.standing for other in replaced):
        return False
    before = others.filter(since__lt=sbom.since).order_by("-since").first()
    after = others.filter(since__gt=sbom.since).order_by("since").first()
    for other in replaced:
        _put(other, None)
    if before is not None:
        _put(before, DateTimeTZRange(before.since, sbom.since))
    _put(sbom, DateTimeTZRange(sbom.since, after.since if after else None))
    return after is None


def _put(sbom: Sbom, period: Any) -> None:
    was_in_use = sbom.is_in_use
    sbom.in_use = period
    sbom.save(update_fields=["in_use"])
    if was_in_use and not sbom.is_in_use:
        SbomPackage.objects.filter(sbom=sbom, is_in_use=True).update(is_in_use=False)
