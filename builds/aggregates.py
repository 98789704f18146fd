"""Aggregates that PostgreSQL has and Django does not name."""

from django.db.models import Aggregate, CharField, Expression, F, FloatField, Func, IntegerField
from django.db.models.functions import Now


class Median(Aggregate):
    """The median of known values, interpolated; NULL without any."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)%(filter)s"
    output_field = FloatField()


class Joined(Func):
    """An array of texts as one text."""

    function = "ARRAY_TO_STRING"
    output_field = CharField()


class WholePeriods(Func):
    """How many whole periods of ``seconds`` an interval has."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / %(seconds)s)::integer"
    output_field = IntegerField()


def age_in_days(field: str) -> Expression:
    """Return how many whole days ago ``field`` was; 0 is the last 24 hours."""
    return WholePeriods(Now() - F(field), seconds=86_400)
