"""Where a service's code is, and how it is built."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from builds.models import Service
from farm import addresses
from farm.models.builder import Builder
from farm.querysets import SourceQuerySet

HOUR_SECONDS = 3600


class Source(models.Model):
    """What the server needs to build a service itself."""

    class Definition(models.TextChoices):
        """What ``file`` is."""

        BAKE = "bake", "Bake or compose file"
        DOCKERFILE = "dockerfile", "Dockerfile"

    service = models.OneToOneField(
        Service, models.DB_CASCADE, related_name="source", primary_key=True
    )
    repository_url = models.CharField(max_length=500, validators=[addresses.validate_address])
    deploy_key = models.CharField(
        max_length=100, blank=True, validators=[addresses.validate_key_name]
    )
    """Name of a file in the project's directory of keys on the workers."""
    definition = models.CharField(max_length=12, choices=Definition, default=Definition.BAKE)
    file = models.CharField(max_length=300, blank=True, validators=[addresses.validate_inner_path])
    """Path in the repository; empty is what Bake looks for itself, or ``Dockerfile``."""
    context = models.CharField(
        max_length=300, blank=True, validators=[addresses.validate_inner_path]
    )
    """Directory in the repository in which the build runs; empty is its root."""
    target = models.CharField(max_length=200, blank=True, validators=[addresses.validate_name])
    """Bake target, or stage of the Dockerfile; empty is the service's name, or the last stage."""
    ref_name = models.CharField(max_length=250, default="main", validators=[addresses.validate_ref])
    variant = models.CharField(max_length=60, blank=True, validators=[addresses.validate_name])
    environment = models.CharField(max_length=60, blank=True, validators=[addresses.validate_name])
    platforms = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    push = models.BooleanField(default=False)
    builder = models.ForeignKey(
        Builder, models.DB_SET_NULL, null=True, blank=True, related_name="sources"
    )
    time_limit_seconds = models.PositiveIntegerField(default=HOUR_SECONDS)
    retries = models.PositiveSmallIntegerField(default=2)
    """How often a build that failed for a transient reason is tried again by itself."""
    push_patterns = models.CharField(
        max_length=300, blank=True, validators=[addresses.validate_patterns]
    )
    """Branches and tags that a push builds, with spaces between; ``*`` stands for anything."""
    owners = ArrayField(models.EmailField(), default=list, blank=True)
    """Who is told of failures that have no author; empty: the project's administrators."""
    needs = models.ManyToManyField(
        "self", through="SourceNeed", symmetrical=False, related_name="needed_by", blank=True
    )
    """Sources that must be built first when they are asked for together with this one."""

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["service__name"]

    def __str__(self) -> str:
        return self.service.name


class SourceNeed(models.Model):
    """One source builds on the result of another."""

    source = models.ForeignKey(Source, models.DB_CASCADE, related_name="+")
    needed = models.ForeignKey(Source, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "needed"], name="farm_sourceneed_uq"),
            models.CheckConstraint(
                condition=~Q(source=F("needed")), name="farm_sourceneed_not_self_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} needs {self.needed_id}"
