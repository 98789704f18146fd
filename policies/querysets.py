"""Reads of policies and verdicts."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import OuterRef, Subquery

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from policies.models import Policy, Verdict


class PolicyQuerySet(models.QuerySet["Policy"]):
    """Policies."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Policies of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def in_force(self) -> Self:
        """Those that may hold somewhere."""
        return self.filter(retired_at__isnull=True)

    def told(self) -> Self:
        """With all that a line about them needs, and ``newest``, the number of the last version."""
        from policies.models import PolicyVersion

        last = PolicyVersion.objects.filter(policy=OuterRef("pk")).order_by("-number")
        return (
            self.select_related("project")
            .prefetch_related("environments")
            .annotate(
                newest=Subquery(last.values("number")[:1]),
                changed_at=Subquery(last.values("created_at")[:1]),
                changed_by=Subquery(last.values("author_name")[:1]),
            )
        )


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Verdicts."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Verdicts of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "version__policy", "build__service", "image")
