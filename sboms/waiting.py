"""Bills that came before the build of their image."""

from collections.abc import Collection

from sboms.models import Sbom
from sboms.recording import attach
from security.awaiting import Awaiting
from security.matching import match


def attach_each(sbom_ids: Collection[int]) -> None:
    """Give bills their builds, the oldest bill first."""
    for sbom in Sbom.objects.waiting().filter(pk__in=sbom_ids).order_by("received_at"):
        if found := match(sbom.project_id, sbom.digests):
            attach(sbom=sbom, found=found)


AWAITING = Awaiting(Sbom.objects.waiting, attach_each)
