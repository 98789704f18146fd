"""Steps of builds, what they printed, and how long each usually takes."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from buildkit.model import StepKind, StepState
from builds.models.build import Build
from builds.models.service import Service
from builds.querysets import StepQuerySet


def _choices(names: type[StepKind] | type[StepState]) -> list[tuple[str, str]]:
    return [(name.value, name.value) for name in names]


class Step(models.Model):
    """A BuildKit vertex of one build. The table is partitioned by ``month``.

    ``inputs`` are positions of steps of the same build. ``intervals`` are pairs of seconds after
    the start of the build, ascending and disjoint.
    """

    pk = models.CompositePrimaryKey("build_id", "position", "month")
    month = models.DateField()
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="steps", db_index=False)
    position = models.PositiveIntegerField()
    vertex_digest = models.CharField(max_length=80)
    name = models.TextField()
    kind = models.CharField(max_length=16, choices=_choices(StepKind))
    state = models.CharField(max_length=10, choices=_choices(StepState))
    stage = models.CharField(max_length=200)
    platform = models.CharField(max_length=60)
    identity = models.CharField(max_length=32)
    inputs = ArrayField(models.IntegerField())
    intervals = ArrayField(ArrayField(models.FloatField(), size=2))
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    busy_seconds = models.FloatField()
    slack_seconds = models.FloatField()
    critical = models.BooleanField()
    what_if_seconds = models.FloatField()
    baseline_seconds = models.FloatField(null=True)
    """Median of the last executed durations of this identity before this build."""
    dockerfile_name = models.CharField(max_length=300)
    dockerfile_line = models.PositiveIntegerField(null=True)
    layer_digest = models.CharField(max_length=80)
    layer_bytes = models.BigIntegerField(null=True)
    transferred_bytes = models.BigIntegerField(null=True)
    cpu_seconds = models.FloatField(null=True)
    memory_peak_bytes = models.BigIntegerField(null=True)
    error = models.TextField()

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return self.name


class StepLog(models.Model):
    """What one step printed; PostgreSQL compresses the text.

    ``offsets_ms`` has one entry a line: milliseconds after the start of the build, -1 if unknown.
    """

    pk = models.CompositePrimaryKey("build_id", "position")
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="logs", db_index=False)
    position = models.PositiveIntegerField()
    text = models.TextField()
    offsets_ms = ArrayField(models.IntegerField())
    clipped = models.BooleanField()

    class Meta:
        ordering: ClassVar = ["position"]

    def __str__(self) -> str:
        return f"log of step {self.position}"


class StepBaseline(models.Model):
    """The last executed durations of one step identity in one service.

    ``runs`` is ``[[start of the build (epoch seconds), build id, busy seconds], …]``, ascending, 20
    at most: what a baseline (their median) needs, in one row that a digest reads and writes.
    """

    pk = models.CompositePrimaryKey("service_id", "identity")
    service = models.ForeignKey(
        Service, models.DB_CASCADE, related_name="step_baselines", db_index=False
    )
    identity = models.CharField(max_length=32)
    runs = models.JSONField()

    def __str__(self) -> str:
        return f"baseline of {self.identity}"
