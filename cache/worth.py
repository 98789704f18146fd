"""Hits and savings of services over a period, against the period before; from the sums by day."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any

import pandas as pd

from analytics import worth
from builds.branches import BranchClass
from builds.models import Service
from cache.forms import Dimension
from cache.misses import costly_steps, invalidators
from cache.models import CacheDay
from cache.periods import Days, Period
from cache.querysets import weeks_before

WEEKS, WEEK_DAYS = 26, 7


class Worth:
    """What the cache did for some services."""

    def __init__(self, services: Sequence[Service], period: Period, by: Dimension) -> None:
        self.services, self.period, self.by = services, period, by

    def _sums(self, days: Days, by: str) -> pd.DataFrame:
        rows = CacheDay.objects.filter(service__in=self.services).within(*days)
        return worth.frame_of(rows.summed(by), by)

    @cached_property
    def _now(self) -> pd.DataFrame:
        return self._sums(self.period.now, self.by.value)

    @cached_property
    def _before(self) -> pd.DataFrame:
        return self._sums(self.period.before, self.by.value)

    @cached_property
    def totals(self) -> dict[str, worth.Row]:
        """Sums and ratios of the period, ``now``, and of the one ``before``."""
        return {"now": worth.totals(self._now), "before": worth.totals(self._before)}

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """A row for each value of the dimension: its sums, ratios, and its change.

        That is against ``builds_before`` builds.
        """
        before = worth.rows_of(self._before)
        return [
            sums
            | {
                "label": self._label(value),
                "builds_before": before.get(value, {}).get("builds", 0),
                "change": difference(sums, before.get(value, {}), "hit_ratio_time"),
            }
            for value, sums in worth.by_cost(self._now).items()
        ]

    @cached_property
    def weeks(self) -> list[worth.Row | None]:
        """Sums and ratios of each of the last weeks, oldest first; ``None`` without builds."""
        first = self.period.last - timedelta(days=WEEK_DAYS * WEEKS - 1)
        days = CacheDay.objects.filter(service__in=self.services).within(first, self.period.last)
        rows = days.annotate(age=weeks_before(self.period.last)).summed("age")
        found = worth.rows_of(worth.frame_of(rows, "age"))
        return [found.get(age) for age in range(WEEKS - 1, -1, -1)]

    def told(self) -> dict[str, Any]:
        """Return everything as one answer."""
        first, last = self.period.now
        return {
            "first_day": first,
            "last_day": last,
            **self.totals,
            "weeks": [
                week | {"first_day": last - timedelta(days=WEEK_DAYS * (WEEKS - number) - 1)}
                for number, week in enumerate(self.weeks)
                if week is not None
            ],
            "by": self.by.value,
            "groups": self.groups,
            "invalidators": invalidators(self.services, self.period.now),
            "steps": costly_steps(self.services, self.period.now),
        }

    def _label(self, value: Any) -> str:
        if self.by is Dimension.SERVICE:
            return next(service.name for service in self.services if service.pk == value)
        if self.by is Dimension.BRANCH_CLASS:
            return BranchClass(value).label
        return str(value) or "not said"


def difference(now: dict[str, Any], before: dict[str, Any], name: str) -> float | None:
    """Return how much a value is more than before; ``None`` where one is not known."""
    if now.get(name) is None or before.get(name) is None:
        return None
    return float(now[name] - before[name])
