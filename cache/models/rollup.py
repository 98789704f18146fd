"""Sums by day, so that pages cost the same whatever the history. Days are UTC.

All are made again for one service and day at a time, from the builds, steps and reasons of it.
"""

from typing import ClassVar

from django.db import models

from accounts.models import Project
from builds.branches import BranchClass
from builds.models import Service
from builds.postponing import Postponable
from cache.querysets import CacheDayQuerySet, DayQuerySet


class StaleDay(Postponable):
    """A day of a service whose sums are to be made again; ``version`` grows with each change."""

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    version = models.BigIntegerField(db_default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "day"], name="cache_staleday_uq")
        ]

    def __str__(self) -> str:
        return f"{self.service_id} on {self.day}"


class CacheDay(models.Model):
    """What the cache did on one day for one homogeneous group of a service's ended builds.

    ``saved_seconds`` is Σ baseline of cached steps, ``executed_seconds`` Σ busy time of cacheable
    steps that ran; ``unweighed_steps`` were cached and have no baseline yet.
    """

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    target = models.CharField(max_length=200)
    variant = models.CharField(max_length=60)
    platforms = models.CharField(max_length=500)
    """With commas between."""
    branch_class = models.CharField(max_length=10, choices=BranchClass)
    builder = models.CharField(max_length=200)
    builds = models.PositiveIntegerField()
    cold_builds = models.PositiveIntegerField()
    partial_builds = models.PositiveIntegerField()
    warm_builds = models.PositiveIntegerField()
    cacheable_steps = models.PositiveIntegerField()
    cached_steps = models.PositiveIntegerField()
    unweighed_steps = models.PositiveIntegerField()
    saved_seconds = models.FloatField()
    executed_seconds = models.FloatField()

    objects = CacheDayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=[
                    "service",
                    "day",
                    "target",
                    "variant",
                    "platforms",
                    "branch_class",
                    "builder",
                ],
                name="cache_cacheday_uq",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.target} on {self.day}"


class StepDay(models.Model):
    """What became of one cacheable step on one day."""

    pk = models.CompositePrimaryKey("service_id", "identity", "day")
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    identity = models.CharField(max_length=32)
    day = models.DateField()
    hits = models.PositiveIntegerField()
    misses = models.PositiveIntegerField()
    saved_seconds = models.FloatField()
    executed_seconds = models.FloatField()
    median_seconds = models.FloatField(null=True)
    """Of the runs of that day."""
    last_build = models.BigIntegerField()
    """The newest build with the step, which shows its name; a deleted one makes its day stale."""

    objects = DayQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # All steps of a service within a period.
            models.Index(fields=["service", "day"], name="cache_stepday_day_ix")
        ]

    def __str__(self) -> str:
        return f"{self.identity} on {self.day}"


class MissDay(models.Model):
    """Why one step ran on one day, and what began the chains that it ran in.

    ``first_identity`` and ``first_cause`` are of the chain's first step; ``lost_seconds`` is what
    this one took.
    """

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    identity = models.CharField(max_length=32)
    cause = models.CharField(max_length=12)
    first_identity = models.CharField(max_length=32)
    first_cause = models.CharField(max_length=12)
    misses = models.PositiveIntegerField()
    lost_seconds = models.FloatField()
    last_build = models.BigIntegerField()
    """The newest of the builds in which it ran, which shows both steps' names."""

    objects = DayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "day", "identity", "cause", "first_identity", "first_cause"],
                name="cache_missday_uq",
            )
        ]

    def __str__(self) -> str:
        return f"{self.identity} ran for {self.cause} on {self.day}"


class ReferenceDay(models.Model):
    """What one cache reference gave and cost a service's builds on one day; seconds are sums.

    Made for all services of a project at once, as exports of one may cross those of another.

    ``reference`` is empty for exports of which nobody said where to. ``saved_seconds`` and
    ``pull_seconds`` (busy time of cached steps) are of the builds that imported it, shared out
    evenly where one imported several: BuildKit does not record which of them had a step.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+")
    day = models.DateField()
    reference = models.CharField(max_length=500)
    imports = models.PositiveIntegerField(default=0)
    failed_imports = models.PositiveIntegerField(default=0)
    hit_builds = models.PositiveIntegerField(default=0)
    """Builds that imported it and had a cached step."""
    import_seconds = models.FloatField(default=0.0)
    pull_seconds = models.FloatField(default=0.0)
    saved_seconds = models.FloatField(default=0.0)
    exports = models.PositiveIntegerField(default=0)
    max_exports = models.PositiveIntegerField(default=0)
    """Exports with ``mode=max``."""
    export_seconds = models.FloatField(default=0.0)
    crossed_exports = models.PositiveIntegerField(default=0)
    """Exports beside which another build of the project exported, too."""
    crossed_seconds = models.FloatField(default=0.0)
    last_import_at = models.DateTimeField(null=True)
    last_export_at = models.DateTimeField(null=True)

    objects = DayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "day", "service", "reference"], name="cache_referenceday_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} on {self.day}"
