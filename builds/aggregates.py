"""Aggregates that PostgreSQL has and Django does not name."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, CharField, Expression, F, FloatField, Func, IntegerField
from django.db.models.functions import Now


class Quartiles(Aggregate):
    """The 25th, 50th and 75th percentile of known values, interpolated, as one array."""

    function = "PERCENTILE_CONT"
    template = (
        "%(function)s(ARRAY[0.25,0.5,0.75]) WITHIN GROUP (ORDER BY %(expressions)s)%(filter)s"
    )
    output_field = ArrayField(FloatField())


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


def age_in_weeks(field: str) -> Expression:
    """Return how many whole weeks ago ``field`` was; 0 is the last seven days."""
    return WholePeriods(Now() - F(field), seconds=7 * 86_400)


def age_in_days(field: str) -> Expression:
    """Return how many whole days ago ``field`` was; 0 is the last 24 hours."""
    return WholePeriods(Now() - F(field), seconds=86_400)
