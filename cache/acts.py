"""Acts on caches that the command line sends: kept once, and noted in the audit trail."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from accounts.models import Project
from audit.services import ActorLike, record
from buildkit.values import clean
from builds.masking import mask_secrets
from cache.models import CacheAct


@transaction.atomic
def record_acts(*, project: Project, actor: ActorLike, acts: Iterable[Mapping[str, Any]]) -> int:
    """Keep acts that are not known yet, and note each in the trail; return how many were new.

    Whoever sent them is the actor; who did it, where and when is what the act says.
    """
    new = 0
    for act in acts:
        values = {name: act[name] for name in ("at", "user", "host", "action", "dry_run")}
        values |= {
            "target": mask_secrets(act["target"])[:500],
            "outcome": mask_secrets(act["outcome"])[:500],
            "details": _stored(act["details"]),
        }
        kept, is_new = CacheAct.objects.get_or_create(
            project=project, act_id=act["id"], defaults=values
        )
        new += is_new
        if is_new:
            _note(project, actor, kept)
    return new


def _stored(value: Any) -> Any:
    """Return a value of JSON with its texts as they may be stored: masked, and without NUL."""
    if isinstance(value, dict):
        return {_stored(name): _stored(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_stored(item) for item in value]
    return mask_secrets(clean(value)) if isinstance(value, str) else value


def _note(project: Project, actor: ActorLike, act: CacheAct) -> None:
    changes = {
        "act_id": str(act.act_id),
        "at": act.at.isoformat(),
        "user": act.user,
        "host": act.host,
        "target": act.target,
        "dry_run": act.dry_run,
        "outcome": act.outcome,
    }
    record(actor=actor, action=f"cache.{act.action}", target=act, project=project, changes=changes)
