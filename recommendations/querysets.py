"""Reads of recommendations."""

from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from recommendations.models import Recommendation


class RecommendationQuerySet(models.QuerySet["Recommendation"]):
    """Recommendations."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those of the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def given(self) -> Self:
        """What is still told, what is worth most first."""
        return self.filter(closed_at=None).order_by("-worth", "pk")

    def to_do(self, today: date) -> Self:
        """What is told, and nobody has dismissed or put off to a later day."""
        return self.given().exclude(_hidden(today))

    def put_off(self, today: date) -> Self:
        """What is told, and somebody has dismissed or put off to a later day."""
        return self.given().filter(_hidden(today))

    def closed(self) -> Self:
        """What is no longer told, the latest first."""
        return self.exclude(closed_at=None).order_by("-closed_at", "-pk")


def _hidden(today: date) -> Q:
    return Q(state="dismissed") | Q(state="snoozed", until__gt=today)
