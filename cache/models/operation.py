"""What is to be done about caches: planned, looked at by somebody, and done."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from farm.models import Builder


class Operation(models.Model):
    """One operation on caches, from the wish to its outcome.

    A worker makes the plan, which changes nothing. Of what was planned that is done, when somebody
    confirms it, which still holds then, and nothing else.
    """

    class Kind(models.TextChoices):
        """What is done."""

        SETUP = "setup", "Access check"
        EXPIRE = "expire", "Retention and size limit"
        VERIFY = "verify", "Integrity check"
        REBUILD = "rebuild", "Clean rebuild"
        WARM = "warm", "Warming"
        INVALIDATE = "invalidate", "Invalidation"
        PRUNE = "prune", "Prune of a builder"

    class State(models.TextChoices):
        """Where it stands."""

        PLANNING = "planning", "Being planned"
        PLANNED = "planned", "Planned"
        CONFIRMED = "confirmed", "Confirmed"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    public_id = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNING)
    parameters = models.JSONField(default=dict)
    builder = models.ForeignKey(Builder, models.DB_CASCADE, null=True, related_name="+")
    """Whose cache it is about; its workers do it then."""
    plan = models.JSONField(default=dict)
    """For people: ``{summary, columns, rows, rows_total, notes}``."""
    items = models.JSONField(default=list)
    """For the worker: exactly what is done. Without any there is nothing to confirm."""
    followed = models.JSONField(default=list)
    """Builds that it has queued and whose end it waits for: ``[{build, references}]``."""
    outcome = models.TextField(blank=True)
    told = models.JSONField(default=list)
    """Sentences about what was kept, or went wrong."""
    requested_by = models.CharField(max_length=200)
    confirmed_by = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    planned_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            # The list of a project, newest first.
            models.Index(fields=["project", "-requested_at", "-id"], name="cache_operation_ix")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.requested_at:%Y-%m-%d %H:%M}"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        return reverse("cache:operation", args=[self.project.slug, self.public_id])

    @property
    def is_active(self) -> bool:
        """Whether a worker has something to do with it."""
        return self.state in {self.State.PLANNING, self.State.CONFIRMED, self.State.RUNNING}

    @property
    def summary(self) -> str:
        """What became of it, or what is planned."""
        return self.outcome or str(self.plan.get("summary", ""))

    @property
    def badge(self) -> str:
        """The state that the badge of its state shows."""
        return _BADGES[self.State(self.state)]


_BADGES = {
    Operation.State.PLANNING: "running",
    Operation.State.PLANNED: "queued",
    Operation.State.CONFIRMED: "queued",
    Operation.State.RUNNING: "running",
    Operation.State.DONE: "succeeded",
    Operation.State.FAILED: "failed",
    Operation.State.CANCELED: "canceled",
}
