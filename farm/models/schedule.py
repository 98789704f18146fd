"""What makes builds without a person: the clock, and pushes."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from farm import addresses
from farm.cron import in_words, validate_cron, validate_time_zone
from farm.models.source import Source
from farm.querysets import ScheduleQuerySet


class Schedule(models.Model):
    """Services that are built at certain times. ``next_at`` moves on when it has been run."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="schedules")
    name = models.CharField(max_length=100)
    sources = models.ManyToManyField(
        Source, through="ScheduledSource", related_name="schedules", verbose_name="services"
    )
    cron = models.CharField(max_length=100, validators=[validate_cron])
    time_zone = models.CharField(max_length=60, default="UTC", validators=[validate_time_zone])
    ref_name = models.CharField(max_length=250, blank=True, validators=[addresses.validate_ref])
    """Branch or tag; empty is what each source says."""
    no_cache = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, editable=False)
    last_at = models.DateTimeField(null=True, editable=False)
    error = models.TextField(blank=True, editable=False)
    """Why the last run queued nothing."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="farm_schedule_name_uq")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"], condition=Q(is_enabled=True), name="farm_schedule_due_ix"
            )
        ]

    @property
    def in_words(self) -> str:
        """When it runs, as a sentence."""
        return in_words(self.cron)

    def get_absolute_url(self) -> str:
        """Where it is changed."""
        return reverse("farm:schedule", args=[self.project.slug, self.public_id])

    def __str__(self) -> str:
        return self.name


class ScheduledSource(models.Model):
    """One source of a schedule."""

    schedule = models.ForeignKey(Schedule, models.DB_CASCADE, related_name="+")
    source = models.ForeignKey(Source, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "source"], name="farm_scheduledsource_uq")
        ]

    def __str__(self) -> str:
        return f"{self.source_id} in {self.schedule_id}"


class PushHook(models.Model):
    """The address that a forge calls after a push; ``sealed`` is its secret, encrypted."""

    project = models.OneToOneField(
        Project, models.DB_CASCADE, related_name="push_hook", primary_key=True
    )
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sealed = models.BinaryField(default=b"", editable=False)
    called_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"push hook of {self.project_id}"
