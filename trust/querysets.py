"""Reads of trust policies and verifications."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from trust.models import TrustPolicyVersion, Verification


class TrustPolicyVersionQuerySet(models.QuerySet["TrustPolicyVersion"]):
    """Versions of trust policies."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of the projects in which ``actor`` holds ``scope``."""
        return self.filter(policy__project__in=actor.project_ids_with(scope))

    def holding(self) -> Self:
        """The newest of each policy."""
        later = self.model.objects.filter(policy=OuterRef("policy"), number__gt=OuterRef("number"))
        return self.filter(~Exists(later))

    def of_environment(self, name: str) -> Self:
        """Those of policies that say what holds for an environment now."""
        return self.filter(policy__environments__contains=[name])

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("policy__project")


class VerificationQuerySet(models.QuerySet["Verification"]):
    """Verifications."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "image", "policy_version__policy")

    def newest(self) -> Self:
        """The last of each image and environment."""
        later = self.model.objects.filter(
            Q(verified_at__gt=OuterRef("verified_at"))
            | Q(verified_at=OuterRef("verified_at"), pk__gt=OuterRef("pk")),
            project=OuterRef("project"),
            image_name=OuterRef("image_name"),
            environment=OuterRef("environment"),
        )
        return self.filter(~Exists(later))

    def beside(self, verification: "Verification") -> Self:
        """All of the same image and environment."""
        return self.filter(
            project=verification.project_id,
            image_name=verification.image_name,
            environment=verification.environment,
        ).order_by(F("verified_at").desc(), "-pk")
