"""Quarantine of broken cache references: known to the server's builds, and learned from them."""

import json
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from audit.services import SYSTEM, ActorLike, record
from buildkit.registry import canonical
from builds.masking import mask_secrets
from cache.models import Quarantine
from cli import quarantine as files
from farm.models import BuildRequest

MOST = 200
REASON_LENGTH = 2000


HANDED = "quarantine.handed"
"""What a build was told at its start, beside what it may change of that."""


def hand_over(*, request: BuildRequest, home: Path, **_: Any) -> None:
    """Let the command of a build know what is in quarantine, where it looks for it."""
    known = Quarantine.objects.filter(project=request.project_id).order_by("-since")[:MOST]
    told = [_told(item) for item in known]
    if told:
        files.write(told, home)
        (home / HANDED).write_text(json.dumps({item.reference: item.digest for item in told}))


def _told(item: Quarantine) -> files.Quarantine:
    return files.Quarantine(item.reference, item.digest, item.reason, item.since.isoformat())


@transaction.atomic
def take_back(*, request: BuildRequest, home: Path, **_: Any) -> None:
    """Learn from a build's command what it has found broken, and what was exported anew.

    What others have changed in the table while it ran stays as they left it.
    """
    handed: dict[str, str] = _handed(home)
    left = files.read(home)
    if left is None:
        return
    for item in list(left.values())[:MOST]:
        if handed.get(item.reference) != item.digest:
            put(request.project, item.reference, item.digest, item.reason, SYSTEM)
    gone = [name for name in handed if name not in left]
    known = Quarantine.objects.filter(project=request.project_id, reference__in=gone)
    for row in known.select_related("project"):
        if row.digest == handed[row.reference]:
            _lift(row, "It was exported anew.", SYSTEM)


def _handed(home: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((home / HANDED).read_bytes())
    except FileNotFoundError:
        return {}
    return found


@transaction.atomic
def put(
    project: Project, reference: str, digest: str, reason: str, actor: ActorLike
) -> Quarantine | None:
    """Put a reference in quarantine; ``None`` if it was there with that digest."""
    reference = canonical(reference)[:500]
    known = Quarantine.objects.filter(project=project, reference=reference).first()
    if known and known.digest == digest:
        return None
    values = {"digest": digest[:100], "reason": mask_secrets(reason)[:REASON_LENGTH]}
    made, _ = Quarantine.objects.update_or_create(
        project=project,
        reference=reference,
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
