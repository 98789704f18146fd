"""Reads of saved views."""

from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import User
from accounts.roles import Scope

if TYPE_CHECKING:
    from reports.models import SavedView


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Saved views."""

    def of(self, user: User) -> Self:
        """Those that a person saved, in the projects that they may still read."""
        return self.filter(user=user, project__in=user.project_ids_with(Scope.BUILDS_READ))
