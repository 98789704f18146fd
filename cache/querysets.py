"""Reads of explanations."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from cache.models import Explanation


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    """Explanations."""

    def pending(self) -> Self:
        """Those that are still to be made, the oldest build first."""
        return self.filter(state="pending").order_by("build")
