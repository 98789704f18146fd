"""Writes of policies: each change of the rules is a version, each change is in the trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Project
from accounts.typing import Actor
from audit.services import record, user_id_of
from policies.choosing import BUILT_IN_NAME
from policies.exceptions import EnvironmentTakenError, PolicyTakenError, RetiredPolicyError
from policies.models import Policy, PolicyEnvironment, PolicyVersion


@dataclass(frozen=True, slots=True)
class Written:
    """Rules as somebody wrote them: valid, with their text and a note on why."""

    document: dict[str, Any]
    text: str
    note: str = ""


@transaction.atomic
def create_policy(
    *,
    project: Project,
    name: str,
    written: Written,
    environments: Sequence[str],
    is_default: bool,
    actor: Actor,
) -> Policy:
    """Make a policy with its first version.

    Raises:
        PolicyTakenError, EnvironmentTakenError: it, or where it should hold, is taken.
    """
    _lock(project)
    slug = slugify(name)[:60]
    taken = Policy.objects.filter(project=project, slug=slug).exists()
    if taken or slug in {"", BUILT_IN_NAME}:
        raise PolicyTakenError
    policy = Policy.objects.create(project=project, slug=slug, name=name)
    _add_version(policy, written, actor)
    _hold(policy, environments, is_default=is_default)
    record(
        actor=actor,
        action="policy.created",
        target=policy,
        project=project,
        changes=_told(policy, environments, written),
    )
    return policy


@transaction.atomic
def change_policy(
    *,
    policy: Policy,
    name: str,
    written: Written,
    environments: Sequence[str],
    is_default: bool,
    actor: Actor,
) -> PolicyVersion | None:
    """Set what a policy is called and where it holds, and add a version if its text is another.

    Its slug stays, as pipelines name it.

    Raises:
        RetiredPolicyError, EnvironmentTakenError: it cannot be.
    """
    _lock(policy.project)
    policy.refresh_from_db()
    if policy.retired_at:
        raise RetiredPolicyError
    last = policy.versions.order_by("-number")[0]
    policy.name = name
    policy.save(update_fields=["name"])
    version = None if last.text == written.text else _add_version(policy, written, actor)
    _hold(policy, environments, is_default=is_default)
    record(
        actor=actor,
        action="policy.changed",
        target=policy,
        project=policy.project,
        changes=_told(policy, environments, written),
    )
    return version


@transaction.atomic
def retire_policy(*, policy: Policy, actor: Actor) -> None:
    """Let a policy hold nowhere any more; its versions and verdicts stay."""
    _lock(policy.project)
    policy.refresh_from_db()
    if policy.retired_at:
        return
    policy.environments.all().delete()
    policy.is_default, policy.retired_at = False, timezone.now()
    policy.save(update_fields=["is_default", "retired_at"])
    record(actor=actor, action="policy.retired", target=policy, project=policy.project)


def _lock(project: Project) -> None:
    """Let one change of a project's policies wait for another."""
    Project.objects.select_for_update().get(pk=project.pk)


def _add_version(policy: Policy, written: Written, actor: Actor) -> PolicyVersion:
    last = policy.versions.order_by("-number").values_list("number", flat=True).first()
    return PolicyVersion.objects.create(
        policy=policy,
        number=(last or 0) + 1,
        document=written.document,
        text=written.text,
        note=written.note,
        author_id=user_id_of(actor),
        author_name=actor.actor_name[:200],
    )


def _hold(policy: Policy, environments: Sequence[str], *, is_default: bool) -> None:
    others = PolicyEnvironment.objects.filter(project=policy.project_id).exclude(policy=policy)
    taken = others.filter(environment__in=environments).values_list("environment", flat=True)
    if names := ", ".join(sorted(taken)):
        raise EnvironmentTakenError(f"Another policy holds in {names}.")
    policy.environments.exclude(environment__in=environments).delete()
    PolicyEnvironment.objects.bulk_create(
        [
            PolicyEnvironment(project_id=policy.project_id, policy=policy, environment=name)
            for name in sorted(set(environments))
        ],
        ignore_conflicts=True,
    )
    if is_default:
        held = Policy.objects.filter(project=policy.project_id, is_default=True)
        held.exclude(pk=policy.pk).update(is_default=False)
    Policy.objects.filter(pk=policy.pk).update(is_default=is_default)
    policy.is_default = is_default


def _told(policy: Policy, environments: Sequence[str], written: Written) -> dict[str, Any]:
    return {
        "name": policy.name,
        "version": policy.versions.order_by("-number").values_list("number", flat=True)[0],
        "environments": sorted(environments),
        "default": policy.is_default,
        "rules": written.document,
        "note": written.note,
    }
