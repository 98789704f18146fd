"""Reads of builds on builders."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Max, Min, Sum

LONGEST = timedelta(days=1)
"""A build that says to have been on a builder for longer counts for its first day."""

SUMS = (
    "builds",
    "busy_seconds",
    "occupied_seconds",
    "sampled_builds",
    "sampled_seconds",
    "cpu_seconds",
    "saturated_seconds",
    "disk_bytes",
    "network_bytes",
)


class StayQuerySet(models.QuerySet[Any]):
    """Builds on builders."""

    def on(self, project_id: int, builder: str) -> Self:
        """Those on one builder."""
        return self.filter(project=project_id, builder=builder)

    def during(self, begin: datetime, end: datetime) -> Self:
        """Those that were there at any moment of that time."""
        return self.filter(start__gte=begin - LONGEST, start__lt=end, end__gt=begin)


class HourQuerySet(models.QuerySet[Any]):
    """Hours of builders."""

    def since(self, hour: datetime) -> Self:
        """That hour and later ones."""
        return self.filter(hour__gte=hour)

    def summed(self, *fields: str) -> Any:
        """Return sums, peaks and the ends of the totals by the values of ``fields``."""
        sums = {name: Sum(name) for name in SUMS}
        return (
            self.order_by()
            .values(*fields)
            .annotate(
                **sums,
                most_at_once=Max("most_at_once"),
                memory_peak_bytes=Max("memory_peak_bytes"),
                memory_total_bytes=Max("memory_total_bytes"),
                memory_total_low_bytes=Min("memory_total_low_bytes"),
                last_hour=Max("hour"),
            )
        )
