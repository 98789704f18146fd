"""Which policy holds: the one that is named, the environment's, the default, or the built-in."""

from dataclasses import dataclass
from typing import Any

from accounts.models import Project
from policies.models import Policy, PolicyVersion
from supplychain.gate.document import BUILT_IN

BUILT_IN_NAME = "built-in"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy's rules as they are now. Without a version they are built in."""

    version: PolicyVersion | None
    document: dict[str, Any]


def choose(project: Project, *, environment: str = "", slug: str = "") -> Chosen:
    """Return what holds in an environment, or the policy that is named.

    Raises:
        Policy.DoesNotExist: the one that is named is not there.
    """
    if slug == BUILT_IN_NAME:
        return Chosen(None, BUILT_IN)
    policies = Policy.objects.filter(project=project).in_force()
    if slug:
        return newest(policies.get(slug=slug))
    held = policies.filter(environments__environment=environment).first() if environment else None
    policy = held or policies.filter(is_default=True).first()
    return newest(policy) if policy else Chosen(None, BUILT_IN)


def newest(policy: Policy) -> Chosen:
    """Return a policy's newest version; it has one from its first moment."""
    version = policy.versions.select_related("policy").order_by("-number")[0]
    return Chosen(version, version.document)
