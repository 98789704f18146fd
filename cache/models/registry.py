"""What the registries of a project hold of its caches, and what is done about it."""

from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Now

from accounts.models import Project
from buildkit.caching.retention import KEEP, LIMIT_BYTES
from cache.querysets import DayQuerySet


class Quarantine(models.Model):
    """A cache reference that is known to be broken: the server's builds do without it.

    It is of the digest that the reference had, empty if there was no manifest; with another one it
    has been exported anew.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    reference = models.CharField(max_length=500)
    digest = models.CharField(max_length=100, blank=True)
    reason = models.TextField()
    since = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["reference"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "reference"], name="cache_quarantine_uq")
        ]

    def __str__(self) -> str:
        return self.reference


class ReferenceSize(models.Model):
    """What a cache reference held on a day, at the last look of it; bytes are of distinct blobs.

    ``own_bytes`` are of blobs that no other reference of the project in that registry has:
    what removing it would free.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    reference = models.CharField(max_length=500)
    digest = models.CharField(max_length=100)
    layers = models.PositiveIntegerField()
    size_bytes = models.BigIntegerField()
    own_bytes = models.BigIntegerField()
    made_at = models.DateTimeField(null=True)
    """When its newest layer was made, if a layer says so."""
    looked_at = models.DateTimeField()

    objects = DayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "day", "reference"], name="cache_referencesize_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference} on {self.day}"


class RegistryDay(models.Model):
    """What all cache references of a project in one registry held on a day.

    ``used_bytes`` counts each blob once, as a registry keeps it; ``shared_bytes`` are of blobs that
    several references have; both are missing if nobody got an answer that day. ``problem`` is why
    the last look failed.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    host = models.CharField(max_length=300)
    references = models.PositiveIntegerField(default=0)
    used_bytes = models.BigIntegerField(null=True)
    shared_bytes = models.BigIntegerField(null=True)
    problem = models.TextField(blank=True)
    looked_at = models.DateTimeField()

    objects = DayQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "day", "host"], name="cache_registryday_uq")
        ]

    def __str__(self) -> str:
        return f"{self.host} on {self.day}"


class RetentionPolicy(models.Model):
    """How long a project's caches are kept in registries, and how large they may become."""

    project = models.OneToOneField(
        Project, models.DB_CASCADE, primary_key=True, related_name="retention_policy"
    )
    keep_days = models.PositiveIntegerField(default=KEEP.days, validators=[MinValueValidator(1)])
    """Since the last use."""
    limit_bytes = models.BigIntegerField(default=LIMIT_BYTES, validators=[MinValueValidator(1)])
    protected = models.TextField(blank=True)
    """Patterns of references that stay, one a line, as a shell's: ``*:main``."""
    is_enforced = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"retention of {self.project_id}"

    @property
    def patterns(self) -> list[str]:
        """The patterns of references that stay."""
        return self.protected.split()

    @property
    def parameters(self) -> dict[str, Any]:
        """What an operation that enforces it is told."""
        return {
            "keep_days": self.keep_days,
            "limit_bytes": self.limit_bytes,
            "protected": self.patterns,
        }
