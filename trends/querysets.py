"""Reads of changes, and of stages and steps by day."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.roles import Scope
from accounts.typing import Actor

if TYPE_CHECKING:
    from builds.models import Service
    from trends.models import Change, PartDay


class ChangeQuerySet(models.QuerySet["Change"]):
    """Changes."""

    def visible_to(self, actor: Actor, scope: Scope = Scope.BUILDS_READ) -> Self:
        """Changes in the projects in which ``actor`` holds ``scope``."""
        return self.filter(series__service__project__in=actor.project_ids_with(scope))

    def open(self) -> Self:
        """Those worth a look, that have not gone back, and of which nobody knows yet."""
        return self.filter(state__in=["new", "reopened"], is_slight=False)

    def of_level(self) -> Self:
        """Those after which a level is another one: no single outliers."""
        return self.exclude(kind="outlier")

    def told(self) -> Self:
        """With all that a line about them needs."""
        return self.select_related("series__service__project", "build", "last_before")


class PartDayQuerySet(models.QuerySet["PartDay"]):
    """Stages and steps by day."""

    def of(
        self, service: "Service", first: date, last: date, group: Mapping[str, str] | None = None
    ) -> Self:
        """Those of the days from ``first`` to ``last``; ``group`` narrows by a day's columns."""
        columns = {f"build_day__{name}": value for name, value in (group or {}).items()}
        return self.filter(
            build_day__service=service, build_day__day__range=(first, last), **columns
        )
