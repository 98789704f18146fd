"""What is looked for."""

import uuid
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from alerts.querysets import AlertRuleQuerySet
from builds.branches import BranchClass
from builds.labels import LONGEST_LABEL
from builds.models import Service
from channels.contract import Severity
from channels.models import Channel

DAY = 24 * 3600


class Kind(models.TextChoices):
    """What a rule looks at; a module of ``alerts.conditions`` each."""

    CHANGE = "change", "Change of level"
    THRESHOLD = "threshold", "Metric over a threshold"
    SUCCESS = "success", "Failing builds"
    HIT_RATIO = "hit_ratio", "Cache hit ratio"
    BUDGET = "budget", "Budget"
    QUEUE = "queue", "Time in the queue"
    STORAGE = "storage", "Cache storage"
    VULNERABILITY = "vulnerability", "New vulnerability"
    POLICY = "policy", "Policy violation"
    MISSING = "missing", "Missing builds"


SEVERITIES = [(severity.value, severity.value.capitalize()) for severity in Severity]


class AlertRule(models.Model):
    """A condition on what is recorded of a project, and who is told when it holds.

    Empty lists of the scope are any. ``parameters`` are those of its kind. A rule that failed says
    so in ``error``, and goes on.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="alert_rules", db_index=False
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=14, choices=Kind)
    parameters = models.JSONField(default=dict)
    services = models.ManyToManyField(Service, through="RuleService", related_name="+", blank=True)
    labels = ArrayField(models.CharField(max_length=LONGEST_LABEL), default=list, blank=True)
    """As ``key=value``: services must have all of them when it is evaluated."""
    branch_classes = ArrayField(
        models.CharField(max_length=10, choices=BranchClass), default=list, blank=True
    )
    environments = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    targets = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    severity = models.CharField(max_length=8, choices=SEVERITIES, default=Severity.MEDIUM.value)
    channels = models.ManyToManyField(Channel, through="RuleChannel", related_name="+", blank=True)
    for_seconds = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(30 * DAY)])
    """How long the condition must hold until it fires."""
    settle_seconds = models.PositiveIntegerField(
        default=900, validators=[MaxValueValidator(7 * DAY)]
    )
    """How long it must not hold until it is resolved, and until it may fire again after that."""
    least_samples = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    """With fewer builds nothing is told, neither that it holds nor that it does not."""
    is_on = models.BooleanField(default=True)
    every_seconds = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(30), MaxValueValidator(7 * DAY)]
    )
    next_due_at = models.DateTimeField(db_default=Now())
    evaluated_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    """Why the last evaluation failed; empty if it did not."""
    version = models.PositiveIntegerField(default=1)
    """Counts changes."""
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AlertRuleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="alerts_rule_name_uq"),
            models.CheckConstraint(condition=Q(every_seconds__gte=30), name="alerts_rule_every_ck"),
        ]
        indexes: ClassVar = [
            # What is due, the longest due first.
            models.Index(fields=["next_due_at"], condition=Q(is_on=True), name="alerts_rule_due_ix")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The rule's page."""
        return reverse("alerts:rule", args=[self.project.slug, self.public_id])

    def as_document(self) -> dict[str, Any]:
        """Return what people set of it, for the trail and for versions to be compared."""
        return {
            "name": self.name,
            "kind": self.kind,
            "parameters": self.parameters,
            "services": sorted(service.slug for service in self.services.all()),
            "labels": self.labels,
            "branch_classes": self.branch_classes,
            "environments": self.environments,
            "targets": self.targets,
            "severity": self.severity,
            "channels": sorted(channel.name for channel in self.channels.all()),
            "for_seconds": self.for_seconds,
            "settle_seconds": self.settle_seconds,
            "least_samples": self.least_samples,
            "every_seconds": self.every_seconds,
            "is_on": self.is_on,
        }


class RuleService(models.Model):
    """A service that a rule is about."""

    rule = models.ForeignKey(AlertRule, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "service"], name="alerts_ruleservice_uq")
        ]

    def __str__(self) -> str:
        return f"rule {self.rule_id} on {self.service_id}"


class RuleChannel(models.Model):
    """A channel through which a rule tells."""

    rule = models.ForeignKey(AlertRule, models.DB_CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "channel"], name="alerts_rulechannel_uq")
        ]

    def __str__(self) -> str:
        return f"rule {self.rule_id} by {self.channel_id}"


class RuleSet(models.Model):
    """That a project was given the rules it begins with: deleted ones do not come back."""

    project = models.OneToOneField(
        Project, models.DB_CASCADE, primary_key=True, related_name="alert_rule_set"
    )
    given_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"rules of {self.project_id}"
