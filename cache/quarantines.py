"""Quarantine of broken cache references: known to the server's builds, and learned from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from audit.services import SYSTEM, ActorLike, record
from builds.masking import mask_secrets
from cache.models import Quarantine
from cli import quarantine as files
from farm.models import BuildRequest

MOST = 200
REASON_LENGTH = 2000


def hand_over(*, request: BuildRequest, home: Path, **_: Any) -> None:
    """Let the command of a build know what is in quarantine, where it looks for it."""
    known = Quarantine.objects.filter(project=request.project_id)[:MOST]
    if known:
        files.write([_told(item) for item in known], home)


def _told(item: Quarantine) -> files.Quarantine:
    return files.Quarantine(item.reference, item.digest, item.reason, item.since.isoformat())


@transaction.atomic
def take_back(*, request: BuildRequest, home: Path, **_: Any) -> None:
    """Learn from a build's command what it has found broken, and what was exported anew."""
    known = _known(request.project)
    left = files.quarantined(home)
    for item in list(left.values())[:MOST]:
        put(request.project, item.reference, item.digest, item.reason, SYSTEM)
    if (home / files.FILE).exists():
        for reference in known.keys() - left.keys():
            _lift(known[reference], "It was exported anew.", SYSTEM)


@transaction.atomic
def put(
    project: Project, reference: str, digest: str, reason: str, actor: ActorLike
) -> Quarantine | None:
    """Put a reference in quarantine; ``None`` if it was there with that digest."""
    known = Quarantine.objects.filter(project=project, reference=reference).first()
    if known and known.digest == digest:
        return None
    values = {"digest": digest[:100], "reason": mask_secrets(reason)[:REASON_LENGTH]}
    made, _ = Quarantine.objects.update_or_create(
        project=project,
        reference=reference[:500],
        defaults=values | {"since": timezone.now()},
    )
    record(actor=actor, action="cache.quarantined", target=made, project=project, changes=values)
    return made


@transaction.atomic
def lift(project: Project, reference: str, why: str, actor: ActorLike) -> bool:
    """Let a reference be used again; tell whether it was in quarantine."""
    known = Quarantine.objects.filter(project=project, reference=reference).first()
    if known is not None:
        _lift(known, why, actor)
    return known is not None


def _lift(item: Quarantine, why: str, actor: ActorLike) -> None:
    changes = {"digest": item.digest, "why": why}
    record(
        actor=actor,
        action="cache.quarantine_lifted",
        target=item,
        project=item.project,
        changes=changes,
    )
    item.delete()


def _known(project: Project) -> Mapping[str, Quarantine]:
    items = Quarantine.objects.filter(project=project).select_related("project")
    return {item.reference: item for item in items}
