"""Aggregates that PostgreSQL has and Django does not name."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Expression, F, FloatField, Func, IntegerField
from django.db.models.functions import Now


class Quartiles(Aggregate):
    """The 25th, 50th and 75th percentile of known values, interpolated, as one array."""

    function = "PERCENTILE_CONT"
    template = (
        "%(function)s(ARRAY[0.25,0.5,0.75]) WITHIN GROUP (ORDER BY %(expressions)s)%(filter)s"
    )
    output_field = ArrayField(FloatField())


class AgeInWeeks(Func):
    """Whole weeks in an interval; 0 is the last seven days."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 604800)::integer"
    output_field = IntegerField()


def age_in_weeks(field: str) -> Expression:
    """Return how many whole weeks ago ``field`` was, by the database's clock."""
    return AgeInWeeks(Now() - F(field))
