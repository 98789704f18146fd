"""Writes of trust policies and verifications."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from accounts.typing import Actor
from audit.services import SYSTEM, ActorLike, record, user_id_of
from buildkit.registry import Reference
from buildkit.values import canonical_json
from builds.models import Image
from supplychain.trust.policy import Policy
from trust.exceptions import EnvironmentTakenError, IdTakenError
from trust.models import TrustPolicy, TrustPolicyVersion, Verification


@dataclass(frozen=True, slots=True)
class Result:
    """What a verification found, as its reporter says. ``reasons`` are empty if it passed."""

    image_name: str
    digest: str
    environment: str
    reasons: list[dict[str, str]]
    verified_at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def save_policy(
    *, project: Project, name: str, document: Mapping[str, Any], policy: Policy, actor: Actor
) -> tuple[TrustPolicyVersion, bool]:
    """Add a version to a policy, which is made if there is none of that name.

    Args:
        project: whose policy it is.
        name: of the policy.
        document: what is kept.
        policy: what the document was read as.
        actor: whoever does it.

    Returns:
        the version that holds, and whether it is new: the same document again makes none.

    Raises:
        EnvironmentTakenError: another policy says what holds for an environment of this one.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    environments = [item.name for item in policy.environments]
    others = TrustPolicy.objects.filter(project=project, environments__overlap=environments)
    if other := others.exclude(name=name).first():
        taken = ", ".join(sorted(set(environments) & set(other.environments)))
        raise EnvironmentTakenError(f"The policy {other.name} says what holds for {taken}.")
    kept, _ = TrustPolicy.objects.get_or_create(project=project, name=name)
    digest = f"sha256:{hashlib.sha256(canonical_json(document)).hexdigest()}"
    last = kept.versions.first()
    if last and last.digest == digest:
        return last, False
    kept.environments = environments
    kept.save(update_fields=["environments"])
    made = TrustPolicyVersion.objects.create(
        policy=kept,
        number=last.number + 1 if last else 1,
        document=dict(document),
        digest=digest,
        author_id=user_id_of(actor),
        author_name=actor.actor_name[:200],
    )
    changes = {"version": made.number, "digest": digest, "environments": environments}
    record(
        actor=actor, action="trust_policy.changed", target=kept, project=project, changes=changes
    )
    made.refresh_from_db()
    return made, True


def named(reference: Reference) -> str:
    """Return the name by which verifications of an image follow one another."""
    return f"{reference.name}:{reference.tag}" if reference.tag else reference.name


@transaction.atomic
def record_verification(
    *,
    project: Project,
    result: Result,
    reported_by: str,
    public_id: UUID,
    policy_version: TrustPolicyVersion | None,
    actor: ActorLike = SYSTEM,
) -> tuple[Verification, bool]:
    """Keep what a verification found; return it, and whether it is new.

    The same id again changes nothing.

    Raises:
        IdTakenError: another project has that id.
    """
    if Verification.objects.filter(public_id=public_id).exclude(project=project).exists():
        raise IdTakenError
    image = Image.objects.filter(project=project, digest=result.digest).first()
    kept, is_new = Verification.objects.get_or_create(
        project=project,
        public_id=public_id,
        defaults={
            "image_name": result.image_name[:500],
            "digest": result.digest,
            "image": image,
            "environment": result.environment,
            "policy_version": policy_version,
            "passed": not result.reasons,
            "reasons": result.reasons,
            "facts": result.facts,
            "inputs": result.inputs,
            "reported_by": reported_by[:200],
            # A clock that is ahead tells nothing.
            "verified_at": min(result.verified_at, timezone.now()),
        },
    )
    if is_new:
        changes = {"digest": kept.digest, "passed": kept.passed, "environment": kept.environment}
        record(actor=actor, action="image.verified", target=kept, project=project, changes=changes)
    return kept, is_new
