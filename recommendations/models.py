"""What is recommended, what was decided about it, and what came of it."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project
from builds.models import Service
from recommendations.querysets import RecommendationQuerySet


class Kind(models.TextChoices):
    """What a recommendation is about."""

    LAYER = "layer", "Dockerfile"
    CHANGE = "change", "Change"
    REFERENCE = "reference", "Cache reference"
    TOOLS = "tools", "Development tools"
    WASTE = "waste", "Files in vain"
    BASE = "base", "Base image"
    SLOTS = "slots", "Builds at once"
    EMULATION = "emulation", "Emulation"


class Unit(models.TextChoices):
    """What it is worth."""

    SECONDS = "s", "Seconds"
    BYTES = "bytes", "Bytes"


class Renewed(models.Model):
    """When a project's recommendations were last made."""

    project = models.OneToOneField(
        Project, models.DB_CASCADE, primary_key=True, related_name="renewed"
    )
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"recommendations of {self.project_id}"


class Recommendation(models.Model):
    """One thing to do. ``digest`` names it in its project, however often it is made.

    ``worth`` is in ``unit`` a week, at most with ``is_upper_bound``; ``low`` to ``high`` is its
    95 % interval, ``NULL`` where it was told from too few builds. ``examples`` are BuildKit's
    references of builds that it is told from. It is closed when it is no longer told: it was done,
    or what it was about went away. Then ``mean_before`` and ``mean_since`` are what a build takes
    of ``measure``, with the 95 % interval of their difference.
    """

    class State(models.TextChoices):
        """What somebody decided."""

        OPEN = "", "Open"
        ACCEPTED = "accepted", "Accepted"
        DISMISSED = "dismissed", "Dismissed"
        SNOOZED = "snoozed", "Snoozed"

    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="recommendations", db_index=False
    )
    service = models.ForeignKey(
        Service, models.DB_CASCADE, null=True, related_name="recommendations"
    )
    digest = models.CharField(max_length=32)
    key = models.TextField()
    """What names it within its kind: of a change its id, of layer advice its digest."""
    kind = models.CharField(max_length=12, choices=Kind)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    title = models.TextField()
    why = ArrayField(models.TextField(), default=list)
    how = ArrayField(models.TextField(), default=list)
    diff = models.TextField(blank=True)
    page = models.CharField(max_length=500, blank=True)
    """Where its evidence is shown: a path of this site."""
    unit = models.CharField(max_length=5, choices=Unit)
    worth = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    is_upper_bound = models.BooleanField(default=False)
    builds = models.PositiveIntegerField(default=0)
    examples = ArrayField(models.CharField(max_length=100), default=list)

    opened_at = models.DateTimeField()
    reopened = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    measure = models.CharField(max_length=40, blank=True)
    builds_before = models.PositiveIntegerField(default=0)
    builds_since = models.PositiveIntegerField(default=0)
    mean_before = models.FloatField(null=True)
    mean_since = models.FloatField(null=True)
    difference_low = models.FloatField(null=True)
    difference_high = models.FloatField(null=True)

    state = models.CharField(max_length=10, choices=State, blank=True, default=State.OPEN)
    until = models.DateField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "digest"], name="recommendations_recommendation_uq"
            ),
            models.CheckConstraint(
                condition=Q(state="snoozed", until__isnull=False)
                | ~Q(state="snoozed") & Q(until=None),
                name="recommendations_recommendation_until_ck",
            ),
            models.CheckConstraint(
                condition=~Q(state="dismissed", reason=""),
                name="recommendations_recommendation_reason_ck",
            ),
        ]
        indexes: ClassVar = [
            # What is worth most, for the page of a project.
            models.Index(
                fields=["project", "unit", "-worth"],
                condition=Q(closed_at=None),
                name="recommendations_open_ix",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def difference(self) -> float | None:
        """What a build takes since it was closed, less what it took before."""
        if self.mean_before is None or self.mean_since is None:
            return None
        return self.mean_since - self.mean_before

    def get_absolute_url(self) -> str:
        """Return the address of its place on the page."""
        return f"{reverse('recommendations:list', args=[self.project.slug])}#at-{self.digest}"
