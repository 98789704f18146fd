"""One build."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from buildkit.failure_classes import MEANINGS, FailureClass, Meaning
from builds.models.service import Service
from builds.querysets import BuildQuerySet


class Build(models.Model):
    """One run of BuildKit for one target, with its derived times and cache counts.

    Columns mirror the API's fields. ``NULL`` means unknown. Formulas are in docs/metrics.md.
    """

    class Status(models.TextChoices):
        """Where a build stands."""

        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"
        LOST = "lost", "Lost"

    class CacheState(models.TextChoices):
        """How much of the usual work came from the cache, by time."""

        COLD = "cold", "Cold"
        PARTIAL = "partial", "Partial"
        WARM = "warm", "Warm"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="builds")
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="builds")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    listed_at = models.DateTimeField()
    """Start of the build, or of its receipt while the start is unknown: what lists sort by."""

    buildkit_ref = models.CharField(max_length=100, blank=True)
    builder = models.CharField(max_length=200, blank=True)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=60, blank=True)
    platforms = ArrayField(models.CharField(max_length=60), default=list)
    status = models.CharField(max_length=12, choices=Status)
    frontend = models.CharField(max_length=300, blank=True)
    frontend_attrs = models.JSONField(default=dict)
    build_args = models.JSONField(default=dict)
    labels = models.JSONField(default=dict)

    cache_to = models.TextField(blank=True, db_default="")
    """Caches that it was to export, a line each, as Bake takes them; BuildKit records none."""

    trigger = models.CharField(max_length=60, blank=True)
    repository_url = models.CharField(max_length=500, blank=True)
    ref_name = models.CharField(max_length=250, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    change_id = models.CharField(max_length=100, blank=True)
    author = models.CharField(max_length=200, blank=True, db_default="")
    """Name of whoever wrote the revision; never an address."""
    pipeline_name = models.CharField(max_length=200, blank=True)
    pipeline_run_id = models.CharField(max_length=200, blank=True)
    pipeline_run_url = models.CharField(max_length=500, blank=True)

    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    wall_seconds = models.FloatField(null=True)
    busy_seconds = models.FloatField(default=0.0)
    critical_path_seconds = models.FloatField(default=0.0)
    parallelism = models.FloatField(null=True)
    idle_seconds = models.FloatField(null=True)

    steps_total = models.PositiveIntegerField(default=0)
    steps_cached = models.PositiveIntegerField(default=0)
    cacheable_steps = models.PositiveIntegerField(default=0)
    cacheable_cached = models.PositiveIntegerField(default=0)
    hit_ratio_time = models.FloatField(null=True)
    cache_state = models.CharField(max_length=10, choices=CacheState, blank=True)
    time_saved_seconds = models.FloatField(null=True)

    image_digest = models.CharField(max_length=80, blank=True)
    image_bytes = models.BigIntegerField(null=True)

    failure_class = models.CharField(max_length=40, blank=True)
    failure_evidence = models.TextField(blank=True)
    """The line that told the class."""
    failure_fingerprint = models.CharField(max_length=32, blank=True)
    failure_step = models.PositiveIntegerField(null=True)
    failure_vertex = models.CharField(max_length=80, blank=True)
    failure_message = models.TextField(blank=True)
    failure_filename = models.CharField(max_length=300, blank=True)
    failure_lines = models.JSONField(default=list)
    """Pairs of first and last failing line in ``failure_filename``, counted from 1."""

    has_provenance = models.BooleanField(default=False)
    builder_platform = models.CharField(max_length=60, blank=True, db_default="")
    """The builder's own, as provenance says; empty: not known."""

    problems = models.JSONField(default=list)
    """Parts of the input that could not be read: ``[{"path", "message"}]``."""

    trace = models.JSONField(null=True)
    """The builder's requests: ``{"spans", "hosts": [{"host", "requests", "refused", "seconds",
    "received_bytes"}]}``."""

    steps_month = models.DateField()
    """The partition that holds the steps: the first of the month of ``listed_at``."""

    objects = BuildQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-listed_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "buildkit_ref"],
                condition=~Q(buildkit_ref=""),
                name="builds_build_project_buildkit_ref_uq",
            ),
            models.CheckConstraint(
                condition=Q(cacheable_cached__lte=F("cacheable_steps")),
                name="builds_build_cacheable_ck",
            ),
            models.CheckConstraint(
                condition=Q(hit_ratio_time__isnull=True)
                | Q(hit_ratio_time__gte=0, hit_ratio_time__lte=1),
                name="builds_build_hit_ratio_time_ck",
            ),
        ]
        indexes: ClassVar = [
            # The build list of a project, newest first.
            models.Index(fields=["project", "-listed_at", "-id"], name="builds_build_project_ix"),
            # The builds of a service, and the past builds that one is compared with.
            models.Index(fields=["service", "-listed_at", "-id"], name="builds_build_service_ix"),
            # A piece of a build that arrives with the run it belongs to.
            models.Index(
                fields=["service", "pipeline_run_id"],
                condition=~Q(pipeline_run_id=""),
                name="builds_build_pipeline_run_ix",
            ),
            # Lists narrowed to what is not the ordinary case.
            models.Index(
                fields=["project", "status", "-listed_at", "-id"],
                condition=~Q(status="succeeded"),
                name="builds_build_not_succeeded_ix",
            ),
            # Builds of several platforms, in which one can be held against the other.
            models.Index(
                fields=["project", "-listed_at", "-id"],
                condition=Q(platforms__len__gt=1),
                name="builds_build_platforms_ix",
            ),
            # Builds that failed the same way.
            models.Index(
                fields=["project", "failure_fingerprint", "-listed_at", "-id"],
                condition=~Q(failure_fingerprint=""),
                name="builds_build_fingerprint_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.target or 'default'} {self.buildkit_ref or self.public_id}"

    def get_absolute_url(self) -> str:
        """The build's page."""
        return reverse("builds:detail", args=[self.project.slug, self.public_id])

    @property
    def hit_ratio_steps(self) -> float | None:
        """Cached cacheable steps ÷ cacheable steps that ended; unknown without such steps."""
        if not self.cacheable_steps:
            return None
        return self.cacheable_cached / self.cacheable_steps

    @property
    def failure_meaning(self) -> Meaning | None:
        """What the class of the failure means, what causes it and what helps."""
        try:
            return MEANINGS[FailureClass(self.failure_class)]
        except ValueError:
            return None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the build."""
        return self.status not in {self.Status.QUEUED, self.Status.RUNNING}
