"""Aggregates that PostgreSQL has and Django does not name."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Expression, F, FloatField, Func, IntegerField
from django.db.models.functions import Now


class Quartiles(Aggregate):
    """The 25th, 50th and 75th percentile of known values, interpolated, as one array."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(ARRAY[0.25,0.5,0.75]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())


class AgeInDays(Func):
    """Whole days between a moment and now; 0 is the last 24 hours."""

    template = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 86400)::integer"
    output_field = IntegerField()


def age_in_days(field: str) -> Expression:
    """Return how many whole days ago ``field`` was, by the database's clock."""
    return AgeInDays(Now() - F(field))
