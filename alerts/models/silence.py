"""What is not to be told for a while."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Project
from alerts.models.rule import AlertRule
from alerts.querysets import SilenceQuerySet
from builds.labels import LONGEST_LABEL
from builds.models import Service


class Silence(models.Model):
    """For a time, alerts of a rule, of a service or services with some labels, or of rule and
    services are kept and shown, and not sent.

    Without all of these it is of the whole project.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="silences", db_index=False)
    rule = models.ForeignKey(AlertRule, models.DB_CASCADE, null=True, related_name="+")
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
    labels = ArrayField(models.CharField(max_length=LONGEST_LABEL), default=list, blank=True)
    """As ``key=value``: all services of an alert have all of them when it fires."""
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    """Exclusive; ending it before its time sets it."""
    reason = models.CharField(max_length=500)
    created_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_by = models.CharField(max_length=200, blank=True)
    """Who ended it before its time."""

    objects = SilenceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-ends_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at")), name="alerts_silence_times_ck"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="alerts_silence_reason_ck"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-ends_at", "-id"], name="alerts_silence_ix")
        ]

    def __str__(self) -> str:
        return f"{self.covers} until {self.ends_at:%Y-%m-%d %H:%M}"

    @property
    def covers(self) -> str:
        """What it is of, in words."""
        services = ", ".join([*([self.service.name] if self.service else []), *self.labels])
        if self.rule and services:
            return f"{self.rule.name} of {services}"
        return str(self.rule or services or "All alerts")
