"""What a rule found: one alert a cause, whatever it hits."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project, User
from alerts.models.rule import SEVERITIES, AlertRule, Kind
from alerts.models.silence import Silence
from alerts.querysets import AlertEventQuerySet, AlertQuerySet
from alerts.states import OPEN, State
from builds.models import Service
from channels.models import Channel

STATES = [(state.value, state.value.capitalize()) for state in State]
OPEN_NAMES = [state.value for state in OPEN]


class Alert(models.Model):
    """A condition that held from ``began_at`` on, until it did not, or somebody said so.

    ``cause`` is what its members have in common; of a rule and cause one is open at most.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="alerts", db_index=False)
    rule = models.ForeignKey(AlertRule, models.DB_SET_NULL, null=True, related_name="alerts")
    rule_name = models.CharField(max_length=100)
    rule_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=14, choices=Kind)
    cause = models.CharField(max_length=500)
    title = models.CharField(max_length=300)
    summary = models.TextField(blank=True)
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    state = models.CharField(max_length=12, choices=STATES, default=State.PENDING.value)
    context = models.JSONField(default=dict)
    """What was known when it fired: see ``alerts.context``."""
    fingerprint = models.CharField(max_length=200, blank=True)
    """The step or failure by which similar ones are found."""
    owner = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    silence = models.ForeignKey(Silence, models.DB_SET_NULL, null=True, related_name="+")
    """For which it was not told."""
    flaps = models.PositiveIntegerField(default=0)
    """How often the condition came back before it was resolved."""
    holds = models.BooleanField(default=True)
    """Whether the condition held when it was last looked at: of a resolved one, whether it held
    when somebody resolved it, and has since; then no other alert is opened."""

    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    """When it was first noticed."""
    fired_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told_channels = models.ManyToManyField(Channel, through="AlertChannel", related_name="+")
    """Through which it was told: these hear of its end, too."""
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    clear_since = models.DateTimeField(null=True)
    """Since when the condition does not hold, while it is open."""
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=200, blank=True)
    """Empty if the condition ended by itself, or for ``resolved_because``."""
    resolved_because = models.CharField(max_length=200, blank=True)
    """Why it was resolved although its condition is not known to have ended, in a sentence."""

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "cause"],
                condition=Q(state__in=OPEN_NAMES),
                name="alerts_alert_open_uq",
            ),
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False)
                | ~Q(state="resolved") & Q(resolved_at=None),
                name="alerts_alert_resolved_ck",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "resolved"]) | Q(fired_at__isnull=False),
                name="alerts_alert_fired_ck",
            ),
        ]
        indexes: ClassVar = [
            # The list of a project, newest first.
            models.Index(fields=["project", "-seen_at", "-id"], name="alerts_alert_list_ix"),
            # What is open, and how many fire.
            models.Index(
                fields=["project", "state"],
                condition=Q(state__in=OPEN_NAMES),
                name="alerts_alert_open_ix",
            ),
            # The last one of a cause.
            models.Index(fields=["rule", "cause", "-seen_at"], name="alerts_alert_cause_ix"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The alert's page."""
        return reverse("alerts:alert", args=[self.project.slug, self.public_id])

    @property
    def is_open(self) -> bool:
        """Whether it is not resolved."""
        return self.state != State.RESOLVED

    @property
    def seconds_to_acknowledge(self) -> float | None:
        """From firing until somebody knew; unknown if nobody said so."""
        if self.fired_at is None or self.acknowledged_at is None:
            return None
        return (self.acknowledged_at - self.fired_at).total_seconds()

    @property
    def seconds_to_resolve(self) -> float | None:
        """From firing until it was resolved; unknown while it is not."""
        if self.fired_at is None or self.resolved_at is None:
            return None
        return (self.resolved_at - self.fired_at).total_seconds()

    @property
    def badge(self) -> str:
        """The state that the badge of its state shows: only what ended looks good."""
        if self.resolved_because:
            return "canceled"
        return {
            State.PENDING: "pending",
            State.FIRING: "failed",
            State.ACKNOWLEDGED: "info",
            State.RESOLVED: "succeeded",
        }[State(self.state)]


class AlertChannel(models.Model):
    """A channel through which an alert was told."""

    alert = models.ForeignKey(Alert, models.DB_CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "channel"], name="alerts_alertchannel_uq")
        ]

    def __str__(self) -> str:
        return f"alert {self.alert_id} by {self.channel_id}"


class AlertMember(models.Model):
    """One thing that an alert is about: a service's series, a builder, a finding."""

    alert = models.ForeignKey(Alert, models.DB_CASCADE, related_name="members", db_index=False)
    group = models.CharField(max_length=500)
    """What names it within its rule."""
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
    title = models.CharField(max_length=300)
    path = models.CharField(max_length=500, blank=True)
    value = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    unit = models.CharField(max_length=10, blank=True)
    samples = models.PositiveIntegerField(default=0)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    """Since when its own condition does not hold."""

    class Meta:
        ordering: ClassVar = ["since", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "group"], name="alerts_member_uq")
        ]

    def __str__(self) -> str:
        return self.title


class AlertEvent(models.Model):
    """One thing that happened to an alert; never changed."""

    class Kind(models.TextChoices):
        """What happened."""

        NOTICED = "noticed", "Noticed"
        FIRED = "fired", "Fired"
        TOLD = "told", "Told"
        SILENCED = "silenced", "Not told: silenced"
        JOINED = "joined", "Another one joined"
        LEFT = "left", "Holds no more for one"
        CLEARED = "cleared", "The condition ended"
        FLAPPED = "flapped", "The condition came back"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        OWNER = "owner", "Owner"
        NOTE = "note", "Note"
        RESOLVED = "resolved", "Resolved"

    alert = models.ForeignKey(Alert, models.DB_CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=Kind)
    actor = models.CharField(max_length=200, blank=True)
    """Empty: the rule."""
    text = models.TextField(blank=True)

    objects = AlertEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["alert", "at", "id"], name="alerts_event_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.at:%Y-%m-%d %H:%M}"
