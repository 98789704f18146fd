"""The days that a page shows, and those before that they are held against."""

from dataclasses import dataclass
from datetime import date, timedelta

type Days = tuple[date, date]
"""First and last day."""


@dataclass(frozen=True, slots=True)
class Period:
    """``days`` days of which ``last`` is the last."""

    last: date
    days: int

    @property
    def now(self) -> Days:
        """The days themselves."""
        return self.last - timedelta(days=self.days - 1), self.last

    @property
    def before(self) -> Days:
        """As many days right before them."""
        first, _ = self.now
        return first - timedelta(days=self.days), first - timedelta(days=1)
