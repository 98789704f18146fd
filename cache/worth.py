"""Hits and savings of services over a period, against the period before; from the sums by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pandas as pd
from django.db.models import Sum

from analytics import worth
from analytics.worth import WEEK_DAYS
from buildkit.explaining import MEANINGS, Cause
from builds.branches import BranchClass
from builds.models import Service
from cache.forms import Dimension
from cache.models import CacheDay, MissDay, StepDay
from cache.querysets import weeks_before
from cache.step_names import named

WEEKS = 26
MOST = 12
"""Rows of the tables of steps."""


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are shown."""

    last: date
    days: int

    @property
    def now(self) -> tuple[date, date]:
        """First and last day."""
        return worth.periods(self.last, self.days)[0]

    @property
    def before(self) -> tuple[date, date]:
        """First and last day of the period before."""
        return worth.periods(self.last, self.days)[1]


class Worth:
    """What the cache did for some services."""

    def __init__(self, services: Sequence[Service], period: Period, by: Dimension) -> None:
        self.services, self.period, self.by = services, period, by

    def _sums(self, days: tuple[date, date], by: str) -> pd.DataFrame:
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
        """A row for each value of the dimension: its sums, ratios, and its change."""
        before = worth.rows_of(self._before)
        return [
            sums
            | {
                "value": value,
                "label": self._label(value),
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
            "invalidators": self.invalidators(),
            "steps": self.costly_steps(),
        }

    def _label(self, value: Any) -> str:
        if self.by is Dimension.SERVICE:
            return next(service.name for service in self.services if service.pk == value)
        if self.by is Dimension.BRANCH_CLASS:
            return BranchClass(value).label
        return str(value) or "not said"

    def invalidators(self, cause: Cause | None = None) -> list[dict[str, Any]]:
        """Return the steps with which most lost time began, and why: of all causes, or of one.

        The time is that of all steps that ran because of it, its own with it.
        """
        misses = MissDay.objects.filter(service__in=self.services).within(*self.period.now)
        if cause is not None:
            misses = misses.filter(first_cause=cause.value)
        rows = (
            misses.order_by()
            .values("service_id", "first_identity", "first_cause")
            .annotate(lost_seconds=Sum("lost_seconds"), runs=Sum("misses"))
            .order_by("-lost_seconds", "first_identity")[:MOST]
        )
        names = named((row["service_id"], row["first_identity"]) for row in rows)
        return [
            row
            | {
                "step": names.get((row["service_id"], row["first_identity"])),
                "meaning": MEANINGS[Cause(row["first_cause"])],
            }
            for row in rows
        ]

    def costly_steps(self) -> list[dict[str, Any]]:
        """Return the steps on which most time was spent, with their hits."""
        days = StepDay.objects.filter(service__in=self.services).within(*self.period.now)
        rows = (
            days.order_by()
            .values("service_id", "identity")
            .annotate(
                hits=Sum("hits"),
                misses=Sum("misses"),
                executed_seconds=Sum("executed_seconds"),
                saved_seconds=Sum("saved_seconds"),
            )
            .order_by("-executed_seconds", "identity")[:MOST]
        )
        names = named((row["service_id"], row["identity"]) for row in rows)
        return [
            row | {"step": names.get((row["service_id"], row["identity"]))} | _ratio(row)
            for row in rows
        ]


def _ratio(row: dict[str, Any]) -> dict[str, Any]:
    ended = row["hits"] + row["misses"]
    return {"ended": ended, "hit_ratio": row["hits"] / ended if ended else None}


def difference(now: dict[str, Any], before: dict[str, Any], name: str) -> float | None:
    """Return how much a value is more than before; ``None`` where one is not known."""
    if now.get(name) is None or before.get(name) is None:
        return None
    return float(now[name] - before[name])
