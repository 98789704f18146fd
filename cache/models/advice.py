"""What to change of services' Dockerfiles, as it was found out last."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import MD5, Concat

from buildkit.advising import Kind
from builds.models import Service
from cache.querysets import LayerAdviceQuerySet

LINE = Value("\n")


class Advised(models.Model):
    """When a service's builds were last read for advice, and how many of each group were.

    ``groups``: ``[{target, variant, builds, unread}]``; ``unread`` are builds of which nothing is
    kept, or that have no Dockerfile that is understood.
    """

    service = models.OneToOneField(
        Service, models.DB_CASCADE, primary_key=True, related_name="advised"
    )
    made_at = models.DateTimeField()
    groups = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"advice on {self.service_id}"


class LayerAdvice(models.Model):
    """One change of the Dockerfile that a target is built by, given or followed.

    ``seconds_a_week`` is what recorded builds say that it is worth, with ``is_upper_bound`` at
    most, and ``seconds_low`` to ``seconds_high`` its 95 % interval. Of one that was followed,
    ``since`` is the first build with it, and the other figures are
    seconds a build that its steps ran; the interval is 95 %, and missing while there are too few
    builds.
    """

    service = models.ForeignKey(
        Service, models.DB_CASCADE, related_name="layer_advice", db_index=False
    )
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    key = models.TextField()
    # Rows are replaced each time: this is what decisions and links know them by.
    digest = models.GeneratedField(
        expression=MD5(
            Concat("target", LINE, "variant", LINE, "key", output_field=models.TextField())
        ),
        output_field=models.CharField(max_length=32),
        db_persist=True,
    )
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in Kind])
    title = models.TextField()
    stage = models.CharField(max_length=200, blank=True)
    lines = ArrayField(models.PositiveIntegerField(), default=list)
    why = ArrayField(models.TextField(), default=list)
    remarks = ArrayField(models.TextField(), default=list)
    diff = models.TextField(blank=True)
    seconds_a_week = models.FloatField(default=0.0)
    seconds_low = models.FloatField(null=True)
    seconds_high = models.FloatField(null=True)
    is_upper_bound = models.BooleanField(default=False)
    builds = models.PositiveIntegerField(default=0)
    examples = ArrayField(models.CharField(max_length=100), default=list)
    """BuildKit's references of the builds that it is told from, those with most of it first."""

    since = models.DateTimeField(null=True)
    builds_before = models.PositiveIntegerField(default=0)
    builds_since = models.PositiveIntegerField(default=0)
    mean_before = models.FloatField(null=True)
    mean_since = models.FloatField(null=True)
    difference_low = models.FloatField(null=True)
    difference_high = models.FloatField(null=True)

    objects = LayerAdviceQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["service"], name="cache_layeradvice_ix"),
            # What is worth most, for the page of a project.
            models.Index(
                fields=["-seconds_a_week"],
                condition=Q(since=None),
                name="cache_layeradvice_open_ix",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def difference(self) -> float | None:
        """Seconds a build since it was followed, less those before; ``None`` if not known."""
        if self.mean_before is None or self.mean_since is None:
            return None
        return self.mean_since - self.mean_before
