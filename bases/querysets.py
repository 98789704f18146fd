"""Reads of base images."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Subquery, Value
from django.db.models.functions import Concat

from accounts.roles import Scope
from accounts.typing import Actor
from builds.models import Build
from farm.updates import AFTER

if TYPE_CHECKING:
    from bases.models import BaseImage, BaseUpdate, BaseUse

GROUP = ("service_id", "target", "variant", "platform", "branch_class")
"""What the newest build of stands."""


class BaseImageQuerySet(models.QuerySet["BaseImage"]):
    """Base images."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those in the projects in which ``actor`` holds ``scope``."""
        return self.filter(project__in=actor.project_ids_with(scope))

    def standing(self) -> Self:
        """Those that the newest builds of services stand on."""
        from bases.models import BaseUse

        uses = BaseUse.objects.filter(image=OuterRef("pk")).standing()
        return self.filter(Exists(uses))

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("project", "repository")


class BaseUseQuerySet(models.QuerySet["BaseUse"]):
    """Builds on base images."""

    def standing(self) -> Self:
        """Those of the newest builds."""
        return self.filter(is_standing=True)

    def final(self) -> Self:
        """Those of which the built image has the layers."""
        return self.filter(role="final")

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("service__project", "build__project", "image__repository")


class BaseUpdateQuerySet(models.QuerySet["BaseUpdate"]):
    """Updates that the server was asked to try."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Those in the projects in which ``actor`` holds ``scope``."""
        return self.filter(request__project__in=actor.project_ids_with(scope))

    def told(self) -> Self:
        """With all that is told of them, and ``changed_build``, the id of the build after."""
        run = Concat(OuterRef("request__build__pipeline_run_id"), Value(AFTER))
        changed = Build.objects.filter(
            service=OuterRef("request__build__service"), pipeline_run_id=run
        )
        return self.select_related(
            "request__build__service", "request__build__project", "image__repository"
        ).annotate(changed_build=Subquery(changed.order_by("pk").values("public_id")[:1]))
