"""How often a report may be made."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cronsim import CronSim, CronSimError
from django.core.exceptions import ValidationError

LEAST_PAUSE = timedelta(hours=1)
LOOKED_AT = 60
"""Times that are looked at: those of a week of hours that are not the same each day, and more."""


def validate_pauses(expression: str) -> None:
    """Refuse more than one report an hour: nobody reads it, and mail servers block who sends it."""
    times = []
    try:
        simulation = CronSim(expression, datetime.now(UTC))
        times = [time for _, time in zip(range(LOOKED_AT), simulation, strict=False)]
    except CronSimError:
        return  # what is no expression is refused as such
    if any(later - earlier < LEAST_PAUSE for earlier, later in pairwise(times)):
        raise ValidationError("A report is made once an hour at most.", code="too_often")
