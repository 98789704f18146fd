"""Why the steps of builds ran, as it was found out once."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from buildkit.explaining import Cause, Confidence
from builds.models import Build, Service
from builds.postponing import Postponable
from cache.querysets import ExplanationQuerySet


class Explanation(Postponable):
    """That, and against which build, one build was explained; ``missing`` are sentences."""

    class State(models.TextChoices):
        """Where it stands. Of a build whose records are purged nothing more can be said."""

        PENDING = "pending", "To be explained"
        DONE = "done", "Explained"
        IMPOSSIBLE = "impossible", "Its records are not kept"

    build = models.OneToOneField(
        Build, models.DB_CASCADE, primary_key=True, related_name="explanation"
    )
    against = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    missing = ArrayField(models.TextField(), default=list)
    made_at = models.DateTimeField(db_default=Now())

    objects = ExplanationQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # What waits for a worker.
            models.Index(
                fields=["build"], condition=Q(state="pending"), name="cache_explanation_pending_ix"
            )
        ]

    def __str__(self) -> str:
        return f"explanation of {self.build_id}"


class StepReason(models.Model):
    """Why one step ran.

    ``first`` is the position of the step that began the chain; ``seconds`` is the step's busy time.
    """

    pk = models.CompositePrimaryKey("build_id", "position")
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="reasons", db_index=False)
    position = models.PositiveIntegerField()
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    identity = models.CharField(max_length=32)
    cause = models.CharField(max_length=12, choices=[(item.value, item.value) for item in Cause])
    confidence = models.CharField(
        max_length=6, choices=[(item.value, item.value) for item in Confidence]
    )
    first = models.PositiveIntegerField()
    seconds = models.FloatField()
    evidence = ArrayField(models.TextField(), default=list)
    missing = ArrayField(models.TextField(), default=list)

    class Meta:
        ordering: ClassVar = ["position"]
        indexes: ClassVar = [
            # The causes of one step through all builds of its service, the newest first.
            models.Index(fields=["service", "identity", "-build"], name="cache_stepreason_step_ix")
        ]

    def __str__(self) -> str:
        return f"{self.cause} of step {self.position}"
