"""Where builds run."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


def validate_queue(name: str) -> None:
    """Refuse a queue that no worker can listen to."""
    if name not in settings.BUILD_QUEUES:
        raise ValidationError(f"BUILD_QUEUES has {', '.join(settings.BUILD_QUEUES)}.")


class Builder(models.Model):
    """A builder as ``docker buildx`` knows it, on the workers that serve it.

    An empty ``name`` is the worker's current one. Health is what the last look found.
    """

    class Health(models.TextChoices):
        """What the last look at the builder found."""

        UNKNOWN = "unknown", "Not looked at yet"
        HEALTHY = "healthy", "Healthy"
        UNREACHABLE = "unreachable", "Unreachable"

    name = models.CharField(max_length=100, unique=True, blank=True)
    queue = models.CharField(max_length=60, default="builds", validators=[validate_queue])
    """The Celery queue of the workers that know it: one of ``BUILD_QUEUES``."""
    slots = models.PositiveSmallIntegerField(default=1)
    """How many builds run on it at once."""
    is_enabled = models.BooleanField(default=True)
    health = models.CharField(max_length=12, choices=Health, default=Health.UNKNOWN)
    driver = models.CharField(max_length=40, blank=True)
    platforms = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    cache_bytes = models.BigIntegerField(null=True, blank=True)
    disk_free_bytes = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(slots__gte=1), name="farm_builder_slots_ck")
        ]

    @property
    def health_badge(self) -> str:
        """The state that the badge of its health shows."""
        return {"healthy": "succeeded", "unreachable": "failed"}.get(self.health, "")

    def __str__(self) -> str:
        return self.name or "default"
