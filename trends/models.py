"""Series of homogeneous builds, and what changed in them."""

import uuid
from typing import ClassVar

from django.db import models
from django.urls import reverse

from builds.branches import BranchClass
from builds.models import Build, ResourceSeries, Service
from builds.postponing import Postponable
from cache.querysets import DayQuerySet
from trends.metrics import METRICS, Metric
from trends.querysets import ChangeQuerySet, PartDayQuerySet

HOMOGENEOUS = ("target", "variant", "environment", "platforms")
"""What builds have in common that may be held against each other."""


class Waiting(Postponable):
    """A service of which a build came, changed or went; ``since`` is the start of the oldest.

    ``version`` grows with each.
    """

    service = models.OneToOneField(Service, models.DB_CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField()
    version = models.BigIntegerField(db_default=1)

    def __str__(self) -> str:
        return f"{self.service_id} since {self.since}"


class Series(models.Model):
    """One metric of one homogeneous group of a service's succeeded builds, in the order of their
    start, as far as it was followed. ``state`` is the detector's, which is bounded.
    """

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="series", db_index=False)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=60, blank=True)
    platforms = models.CharField(max_length=500, blank=True)
    """With commas between."""
    metric = models.CharField(max_length=40, choices=[(m.name, m.label) for m in METRICS.values()])
    state = models.JSONField(default=dict)
    recent = models.JSONField(default=list)
    """Keys of the newest of its builds, oldest first."""
    builds = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    last_build = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", *HOMOGENEOUS, "metric"],
                name="trends_series_uq",
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.service_id} {self.target}"

    @property
    def means(self) -> Metric:
        """The metric."""
        return METRICS[self.metric]

    @property
    def group(self) -> str:
        """The group in words."""
        parts = (self.target, self.variant, self.environment, self.platforms)
        return ", ".join(part for part in parts if part)


class Budget(models.Model):
    """What a metric of a service's builds may be at most; of what should be high, at least.

    An empty target or variant is any.
    """

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="budgets", db_index=False)
    metric = models.CharField(max_length=40, choices=[(m.name, m.label) for m in METRICS.values()])
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    limit = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "metric", "target", "variant"], name="trends_budget_uq"
            )
        ]

    def __str__(self) -> str:
        most = "at most" if self.means.less_is_better else "at least"
        return f"{self.means.label} {most} {self.means.shown(self.limit)}"

    @property
    def means(self) -> Metric:
        """The metric."""
        return METRICS[self.metric]

    def is_kept(self, value: float) -> bool:
        """Tell whether a value is within it."""
        return value <= self.limit if self.means.less_is_better else value >= self.limit


class BuildDay(models.Model):
    """The ended builds of one homogeneous group of a service on one UTC day.

    ``sketches`` have of each metric how its succeeded builds are distributed (analytics.sketch).
    """

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=60, blank=True)
    platforms = models.CharField(max_length=500, blank=True)
    branch_class = models.CharField(max_length=10, choices=BranchClass)
    cache_state = models.CharField(max_length=10, blank=True)
    builds = models.PositiveIntegerField()
    succeeded = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    spent_seconds = models.FloatField(default=0.0)
    """Σ wall time of all of them."""
    saved_seconds = models.FloatField(null=True)
    """Σ time saved by the cache; missing if none is known."""
    cacheable_steps = models.PositiveIntegerField(default=0)
    cached_steps = models.PositiveIntegerField(default=0)
    sketches = models.JSONField(default=dict)

    objects = DayQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The days of a service, whatever the group.
            models.Index(fields=["service", "day"], name="trends_buildday_ix")
        ]

    def __str__(self) -> str:
        return f"{self.service_id} on {self.day}"


class PartDay(models.Model):
    """How long one step, or all of one stage, ran in the builds of a ``BuildDay``.

    Counts are of builds in which it ran; ``sketch`` has its busy seconds in each of those that
    succeeded (analytics.sketch).
    """

    class Part(models.TextChoices):
        """What it is of."""

        STAGE = "stage", "Stage"
        STEP = "step", "Step"

    build_day = models.ForeignKey(BuildDay, models.DB_CASCADE, related_name="parts", db_index=False)
    part = models.CharField(max_length=5, choices=Part)
    name = models.CharField(max_length=200)
    """A stage's name, or a step's identity."""
    builds = models.PositiveIntegerField()
    succeeded = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    sketch = models.JSONField(default=dict)

    objects = PartDayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # One part of the days of a service.
            models.UniqueConstraint(fields=["build_day", "part", "name"], name="trends_partday_uq")
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.name} of {self.build_day_id}"


class SampledUse(models.Model):
    """What a build's samples say of its builder, read from them once; unknown is ``NULL``.

    Samples that are recorded again are other samples: this goes with those it was read from.
    """

    series = models.OneToOneField(
        ResourceSeries, models.DB_CASCADE, related_name="use", primary_key=True
    )
    cpu_ratio = models.FloatField(null=True)
    memory_bytes = models.FloatField(null=True)
    disk_bytes = models.FloatField(null=True)
    network_bytes = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"use during build {self.series_id}"


class Change(models.Model):
    """A change that was found in a series: ``build`` is the first of the new level.

    Values are in the metric's unit; ``ratio`` is after ÷ before − 1 (of ratios: the difference),
    with its 95 % interval.
    """

    class Kind(models.TextChoices):
        """How it looks."""

        STEP = "step", "Step"
        DRIFT = "drift", "Slow drift"
        OUTLIER = "outlier", "Single outlier"
        """A few builds far off the level, which is the same after them."""

    class State(models.TextChoices):
        """Where it stands."""

        NEW = "new", "New"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Gone back"
        REOPENED = "reopened", "Reopened"

    series = models.ForeignKey(Series, models.DB_CASCADE, related_name="changes", db_index=False)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=12, choices=State, default=State.NEW)
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="+")
    last_before = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    """The last build of the old level: the culprit came between it and ``build``."""
    seen_in = models.ForeignKey(Build, models.DB_CASCADE, related_name="+")
    """The build with which it was sure."""
    direction = models.SmallIntegerField()
    before = models.FloatField()
    after = models.FloatField()
    ratio = models.FloatField()
    ratio_low = models.FloatField()
    ratio_high = models.FloatField()
    p_value = models.FloatField()
    builds_before = models.PositiveIntegerField()
    builds_after = models.PositiveIntegerField()
    method = models.CharField(max_length=100)
    parameters = models.JSONField(default=dict)
    parts = models.JSONField(default=list)
    """Which steps it comes from, those with most of it first: ``trends.attribution``."""
    causes = models.JSONField(default=list)
    """``[{cause, words, weight, revision}]``, the likeliest first."""
    is_worse = models.BooleanField()
    is_slight = models.BooleanField(default=False)
    """Whether it is smaller than what anybody would care about: ``Metric.slight``."""
    found_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "build"], name="trends_change_uq")
        ]

    def __str__(self) -> str:
        return f"{self.series} from build {self.build_id} on"

    def get_absolute_url(self) -> str:
        """Return the address of its page."""
        service = self.series.service
        return reverse("trends:change", args=[service.project.slug, self.public_id])

    @property
    def badge(self) -> str:
        """The state that the badge of its state shows."""
        if self.state == self.State.RESOLVED:
            return "succeeded"
        if self.state == self.State.ACKNOWLEDGED or not self.is_worse:
            return "info"
        return "medium"
