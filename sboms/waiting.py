"""Bills that came before the build of their image get it once it is there."""

from collections.abc import Collection
from functools import partial
from typing import Any

from django.db import transaction

from builds.models import Build
from sboms.models import Sbom
from sboms.recording import attach
from security.matching import match, now_known, waiting_for


def attach_those_of(build: Build, **_: Any) -> None:
    """Give the bills that waited for this build what they waited for, once others can see it."""
    if waiting := waiting_for(build, Sbom.objects.waiting()):
        transaction.on_commit(partial(attach_each, waiting), robust=True)


def attach_waiting() -> None:
    """Give bills the build of their image if it is known by now."""
    attach_each(now_known(Sbom.objects.waiting()))


def attach_each(sbom_ids: Collection[int]) -> None:
    """Give bills their builds, the oldest bill first."""
    for sbom in Sbom.objects.waiting().filter(pk__in=sbom_ids).order_by("received_at"):
        if found := match(sbom.project_id, sbom.digests):
            attach(sbom=sbom, found=found)
