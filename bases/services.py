"""Notes of what is to be followed, and policies that people write."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import ActorLike, record
from bases.models import BasePolicy, BaseRepository, BaseUse, Waiting
from bases.standing import stand_anew
from builds.models import Build


def ask_for(*, build: Build, **_: Any) -> None:
    """Note that a build came, or was corrected."""
    Waiting.objects.get_or_create(build=build)


def forget(*, build: Build, **_: Any) -> None:
    """Let other builds stand in the place of one that goes."""
    uses = list(BaseUse.objects.filter(build=build))
    BaseUse.objects.filter(build=build).delete()
    stand_anew(uses)


@transaction.atomic
def save_policy(
    *, repository: BaseRepository, values: dict[str, Any], actor: ActorLike
) -> BasePolicy:
    """Add a version of a repository's policy; a text that is the last one's again adds nothing."""
    locked = BaseRepository.objects.select_for_update().select_related(None)
    locked.get(pk=repository.pk)
    last = repository.policies.first()
    if last and all(getattr(last, name) == value for name, value in values.items()):
        return last
    policy = BasePolicy.objects.create(
        repository=repository,
        number=last.number + 1 if last else 1,
        author=actor.actor_name,
        made_at=timezone.now(),
        **values,
    )
    record(
        actor=actor,
        action="base.policy_changed",
        target=policy,
        project=repository.project,
        changes={
            "repository": str(repository),
            "number": policy.number,
            **{name: str(value) if value is not None else "" for name, value in values.items()},
        },
    )
    return policy
