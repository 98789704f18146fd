"""How long and how large a project's caches in registries may be."""

from typing import Any

from django.db import transaction

from accounts.models import Project
from audit.services import ActorLike, record
from cache.models import RetentionPolicy


def policy_of(project: Project) -> RetentionPolicy:
    """Return what is kept; where nobody has said anything, that with the defaults."""
    known = RetentionPolicy.objects.filter(project=project).first()
    return known or RetentionPolicy(project=project)


@transaction.atomic
def save_policy(*, policy: RetentionPolicy, actor: ActorLike) -> RetentionPolicy:
    """Save a policy, and note it in the trail."""
    policy.save()
    changes: dict[str, Any] = {
        "keep_days": policy.keep_days,
        "limit_bytes": policy.limit_bytes,
        "protected": policy.patterns,
        "is_enforced": policy.is_enforced,
    }
    record(
        actor=actor,
        action="cache.retention_changed",
        target=policy,
        project=policy.project,
        changes=changes,
    )
    return policy
