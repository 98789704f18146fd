"""Reads of explanations and of sums by day."""

from datetime import date
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Func, IntegerField, Sum, Value

from analytics.columns import SUMS

if TYPE_CHECKING:
    from cache.models import Explanation, LayerAdvice


def weeks_before(last: date) -> Func:
    """Return how many whole weeks before ``last`` a row's day was; the last seven days are 0."""
    return Func(
        Value(last),
        F("day"),
        template="(%(expressions)s) / 7",
        arg_joiner=" - ",
        output_field=IntegerField(),
    )


class ExplanationQuerySet(models.QuerySet["Explanation"]):
    """Explanations."""

    def pending(self) -> Self:
        """Those that are still to be made, the oldest build first."""
        return self.filter(state="pending").order_by("build")


class LayerAdviceQuerySet(models.QuerySet["LayerAdvice"]):
    """Layer advice."""

    def given(self) -> Self:
        """What has not been followed, what is worth most first."""
        return self.filter(since=None).order_by("-seconds_a_week", "pk")


class DayQuerySet(models.QuerySet[Any]):
    """Rows of a day of a service."""

    def within(self, first: date, last: date) -> Self:
        """Rows of the days from ``first`` to ``last``, both with."""
        return self.filter(day__range=(first, last))


class CacheDayQuerySet(DayQuerySet):
    """What the cache did on days."""

    def summed(self, *fields: str) -> Any:
        """Return the sums of all counts by the values of ``fields``."""
        return self.order_by().values(*fields).annotate(**{name: Sum(name) for name in SUMS})
