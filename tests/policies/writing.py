"""Policies as tests write them."""

from collections.abc import Sequence

from accounts.models import Project, User
from policies.models import Policy
from policies.services import Written, create_policy
from supplychain.gate.document import problems_of, read_policy


def written(text: str, note: str = "") -> Written:
    document = read_policy(text)
    assert problems_of(document) == []
    return Written(document, text, note)


def saved(
    project: Project,
    actor: User,
    name: str,
    text: str,
    *,
    environments: Sequence[str] = (),
    is_default: bool = False,
) -> Policy:
    return create_policy(
        project=project,
        name=name,
        written=written(text),
        environments=environments,
        is_default=is_default,
        actor=actor,
    )
