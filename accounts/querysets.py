"""Reads of projects, members and tokens."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.roles import Scope

if TYPE_CHECKING:
    from accounts.models import ApiToken, Membership, Project
    from accounts.typing import Actor


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects."""

    def visible_to(self, actor: "Actor", scope: Scope = Scope.BUILDS_READ) -> Self:
        """Projects in which ``actor`` holds ``scope``."""
        return self.filter(pk__in=actor.project_ids_with(scope))


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Who belongs to which project."""

    def visible_to(self, actor: "Actor") -> Self:
        """Members of the projects whose members ``actor`` manages."""
        return self.filter(project_id__in=actor.project_ids_with(Scope.MEMBERS_WRITE))


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """API tokens."""

    def visible_to(self, actor: "Actor") -> Self:
        """Tokens of the projects whose tokens ``actor`` manages."""
        return self.filter(project_id__in=actor.project_ids_with(Scope.TOKENS_WRITE))

    def usable(self) -> Self:
        """Tokens that are neither revoked nor expired, by the database's clock."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=Now()), revoked_at__isnull=True
        )
