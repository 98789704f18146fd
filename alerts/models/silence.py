"""What is not to be told for a while."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Project
from alerts.models.rule import AlertRule
from alerts.querysets import SilenceQuerySet
from builds.models import Service


class Silence(models.Model):
    """For a time, alerts of a rule, of a service, or of both are kept and shown, and not sent.

    Without rule and service it is of the whole project.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="silences", db_index=False)
    rule = models.ForeignKey(AlertRule, models.DB_CASCADE, null=True, related_name="+")
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
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
        if self.rule and self.service:
            return f"{self.rule.name} of {self.service.name}"
        return str(self.rule or self.service or "All alerts")
