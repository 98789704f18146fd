"""When a cron expression comes due: five fields, in a time zone, through changes of the clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from django.core.exceptions import ValidationError

FIELDS = 5


def validate_cron(expression: str) -> None:
    """Accept minute, hour, day, month and weekday of a time that comes."""
    if len(expression.split()) != FIELDS:
        raise ValidationError("Give five fields: minute hour day month weekday.", code="cron")
    try:
        due = next_time(expression, "UTC", datetime.now(UTC))
    except CronSimError as error:
        raise ValidationError(f"This is no cron expression: {error}.", code="cron") from error
    if due is None:
        raise ValidationError("This time never comes.", code="cron")


def validate_time_zone(name: str) -> None:
    """Accept a name of the IANA time zone database."""
    if name not in available_timezones():
        raise ValidationError("Give a time zone such as Europe/Berlin or UTC.", code="time_zone")


def next_time(expression: str, time_zone: str, after: datetime) -> datetime | None:
    """Return the first time after ``after``, in UTC; ``None`` if none comes in 50 years.

    As Debian's cron does it: an hour that the clock skips runs at once after the change, one that
    it repeats runs once. Raises ``CronSimError`` for what is no expression.
    """
    times = CronSim(expression, after.astimezone(ZoneInfo(time_zone)))
    # While an hour is repeated, what comes next by the wall clock may have been an hour ago.
    return next((at for at in (found.astimezone(UTC) for found in times) if at > after), None)


def in_words(expression: str) -> str:
    """Return the expression as a sentence."""
    return str(CronSim(expression, datetime.now(UTC)).explain())
