"""Channels of a project, and what is to be delivered through them."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from channels.contract import Event, Message
from channels.querysets import ChannelQuerySet, DeliveryQuerySet


class Channel(models.Model):
    """One way out of a project: a mailing list, a chat room, a pager.

    ``settings`` are what its kind needs and anybody may see; ``sealed`` are its secrets,
    encrypted. A channel that failed for good is off, and ``off_because`` says why.
    """

    class Kind(models.TextChoices):
        """What is at the other end; a folder of ``channels.kinds`` each."""

        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack-compatible webhook"
        TEAMS = "teams", "Teams-compatible webhook"
        WEBHOOK = "webhook", "Signed webhook"
        PAGERDUTY = "pagerduty", "PagerDuty-compatible events"
        GITHUB = "github", "GitHub status and comment"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=100)
    destination = models.CharField(max_length=300, blank=True)
    """Where it leads, as far as anybody may know: of a webhook its host."""
    settings = models.JSONField(default=dict)
    sealed = models.BinaryField(default=b"", editable=False)
    is_on = models.BooleanField(default=True)
    off_because = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(default=0)
    """Deliveries in a row that were given up."""
    rests_until = models.DateTimeField(null=True, editable=False)
    """Until when nothing but tests goes through it, as something was not taken."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="channels_channel_name_uq"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("channels:channel", args=[self.project.slug, self.public_id])


class Delivery(models.Model):
    """One message to one receiver, from its writing until it was taken or given up.

    ``key`` is the same for the same message to the same receiver, so that asking twice delivers
    once. Without a channel it is an e-mail to ``recipients`` that ``composer`` writes
    (``channels.composing``): a scheduled report. With one, ``recipients`` are empty until some
    have it and others do not: then they are those others.
    """

    class State(models.TextChoices):
        """Where it stands."""

        PENDING = "pending", "To be sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "Not sent"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(
        Channel, models.DB_CASCADE, null=True, related_name="deliveries", db_index=False
    )
    key = models.CharField(max_length=500, unique=True)
    composer = models.CharField(max_length=40, blank=True)
    recipients = ArrayField(models.EmailField(), default=list)
    message = models.JSONField(default=dict)
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    provider_id = models.CharField(max_length=300, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(channel__isnull=False, composer="")
                | Q(channel=None) & ~Q(composer="") & Q(recipients__len__gt=0),
                name="channels_delivery_way_ck",
            ),
        ]
        indexes: ClassVar = [
            # What is due, the oldest first.
            models.Index(
                fields=["next_at"], condition=Q(state="pending"), name="channels_delivery_due_ix"
            ),
            # The history of a project and of a channel.
            models.Index(
                fields=["project", "-created_at", "-id"], name="channels_delivery_list_ix"
            ),
            models.Index(
                fields=["channel", "-created_at", "-id"], name="channels_delivery_channel_ix"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.get_state_display()}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("channels:delivery", args=[self.project.slug, self.public_id])

    @property
    def title(self) -> str:
        """What it is about, in a line."""
        return str(self.message.get("title") or self.composer.capitalize())

    @property
    def is_test(self) -> bool:
        """Whether it only shows that its channel works."""
        return bool(self.message.get("event") == Event.TEST)

    @property
    def is_taken_by_some(self) -> bool:
        """Whether all of its channel but ``recipients`` have it."""
        return self.channel_id is not None and bool(self.recipients)

    @property
    def due_at(self) -> datetime:
        """When it is tried next: if it is no test, not while its channel rests."""
        rests_until = self.channel.rests_until if self.channel else None
        return max(self.next_at, rests_until) if rests_until and not self.is_test else self.next_at

    @property
    def told(self) -> Message:
        """What is told."""
        return Message.of_document(self.message)
