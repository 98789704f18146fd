"""Reads of the queue."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models.functions import Now

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from farm.models import BuildRequest, Schedule, Source


class SourceQuerySet(models.QuerySet["Source"]):
    """Sources."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Sources of the projects in which ``actor`` holds ``scope``."""
        return self.filter(service__project_id__in=actor.project_ids_with(scope))


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Schedules."""

    def due(self) -> Self:
        """Those whose time has come."""
        return self.filter(is_enabled=True, next_at__lte=Now())


class BuildRequestQuerySet(models.QuerySet["BuildRequest"]):
    """Requests."""

    def queued(self) -> Self:
        """Those that wait for a slot or for others."""
        return self.filter(state__in=["ready", "waiting"])

    def running(self) -> Self:
        """Those that a worker has."""
        return self.filter(state="running")

    def in_turn(self) -> Self:
        """In the order in which a project's requests get slots."""
        return self.order_by("-priority", "pk")
