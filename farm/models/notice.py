"""What people are told by e-mail."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from farm.models.request import BuildRequest


class FailureNotice(models.Model):
    """One e-mail about one failed build, from its writing to its sending."""

    class State(models.TextChoices):
        """Where it stands."""

        PENDING = "pending", "To be sent"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"

    request = models.OneToOneField(
        BuildRequest, models.DB_CASCADE, related_name="notice", primary_key=True
    )
    recipients = ArrayField(models.EmailField())
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["next_at"], condition=Q(state="pending"), name="farm_notice_pending_ix"
            )
        ]

    def __str__(self) -> str:
        return f"notice of {self.request_id}"
