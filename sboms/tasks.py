"""Bills that wait for their image's build."""

from typing import Any

from celery import shared_task

from sboms.models import Sbom
from sboms.recording import attach
from security.matching import match, now_known


@shared_task(name="sboms.match_sboms")
def match_sboms(**_: Any) -> None:
    """Give bills the build of their image if it has come, the oldest first."""
    for pk in now_known(Sbom.objects.waiting()):
        sbom = Sbom.objects.waiting().filter(pk=pk).first()
        found = match(sbom.project_id, sbom.digests) if sbom else None
        if sbom is not None and found is not None:
            attach(sbom=sbom, found=found)
