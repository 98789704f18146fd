"""Builds on builders, what happened on these by hour, and what was found out from it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Project
from builds.models import Build
from resources.querysets import HourQuerySet, StayQuerySet


class Stay(models.Model):
    """When a build was on its builder. Builds that do not say their builder have none.

    What depends on others is that of the last look at the hours it was there.
    """

    build = models.OneToOneField(Build, models.DB_CASCADE, related_name="stay", primary_key=True)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    builder = models.CharField(max_length=200)
    start = models.DateTimeField()
    end = models.DateTimeField()
    beside = models.FloatField(null=True)
    """Other builds of the project there at the same time, as a mean by time."""
    neighbours = models.PositiveIntegerField(null=True)
    """How many others were there at any moment of it."""
    memory_low_bytes = models.BigIntegerField(null=True)
    memory_high_bytes = models.BigIntegerField(null=True)
    """Least and most memory in use on the builder while it was there."""

    objects = StayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="resources_stay_ck")
        ]
        indexes: ClassVar = [
            # Who was on a builder at a time: nobody stays longer than a bound.
            models.Index(fields=["project", "builder", "start"], name="resources_stay_ix")
        ]

    def __str__(self) -> str:
        return f"build {self.build_id} on {self.builder}"


class WaitingHour(models.Model):
    """An hour of a builder that is to be added up again; ``version`` grows with each change."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    builder = models.CharField(max_length=200)
    hour = models.DateTimeField()
    version = models.BigIntegerField(db_default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "builder", "hour"], name="resources_waitinghour_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.builder} at {self.hour}"


class BuilderHour(models.Model):
    """What builds of a project did on one builder in one hour, UTC; one without builds has no row.

    Samples of builds beside each other are of the same machine: each moment counts once.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    builder = models.CharField(max_length=200)
    hour = models.DateTimeField()
    builds = models.PositiveIntegerField()
    """Those that began in it."""
    busy_seconds = models.FloatField()
    """Σ over builds of the time they were there."""
    occupied_seconds = models.FloatField()
    """Time with at least one."""
    most_at_once = models.PositiveIntegerField()
    sampled_builds = models.PositiveIntegerField()
    """Those that began in it and have samples of the processors."""
    sampled_seconds = models.FloatField()
    cpu_seconds = models.FloatField()
    """Σ busy share × time: over ``sampled_seconds`` the mean share."""
    saturated_seconds = models.FloatField()
    """Time with a busy share of 0.9 or more."""
    cpu = models.JSONField()
    """Milliseconds by busy share, and those by bytes in use: analytics.sketch."""
    memory = models.JSONField()
    memory_peak_bytes = models.BigIntegerField(null=True)
    memory_total_bytes = models.BigIntegerField(null=True)
    memory_total_low_bytes = models.BigIntegerField(null=True)
    """The least of the totals: it differs if several machines go by the name."""
    disk_bytes = models.BigIntegerField(null=True)
    network_bytes = models.BigIntegerField(null=True)

    objects = HourQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "builder", "hour"], name="resources_builderhour_uq"
            )
        ]
        indexes: ClassVar = [
            # All builders of a project.
            models.Index(fields=["project", "hour"], name="resources_builderhour_ix")
        ]

    def __str__(self) -> str:
        return f"{self.builder} at {self.hour}"


class Finding(models.Model):
    """What builds on a builder cost each other, as it was last worked out.

    ``found`` is made by ``resources.findings``; empty before the first time.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    builder = models.CharField(max_length=200)
    found = models.JSONField(default=dict, db_default={})
    made_at = models.DateTimeField(null=True)
    version = models.BigIntegerField(db_default=1)
    """Grows with each of the builder's hours that is made again."""
    made_of = models.BigIntegerField(db_default=0)
    """The version that ``found`` was made of."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "builder"], name="resources_finding_uq")
        ]
        indexes: ClassVar = [
            # What is to be worked out again, and when it last was.
            models.Index(
                fields=["made_at"], condition=~Q(version=F("made_of")), name="resources_finding_ix"
            )
        ]

    def __str__(self) -> str:
        return f"finding on {self.builder}"
