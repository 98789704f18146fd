"""What builders' caches held at times, and what was removed from them."""

from typing import ClassVar

from django.db import models

from farm.models import Builder


class BuilderSnapshot(models.Model):
    """What ``docker buildx du`` said of a builder; bytes."""

    builder = models.ForeignKey(
        Builder, models.DB_CASCADE, related_name="snapshots", db_index=False
    )
    taken_at = models.DateTimeField()
    used_bytes = models.BigIntegerField()
    reclaimable_bytes = models.BigIntegerField()
    shared_bytes = models.BigIntegerField()
    limit_bytes = models.BigIntegerField(null=True)
    """What garbage collection keeps the cache below, if the builder has such a rule."""
    by_type = models.JSONField(default=dict)
    """Bytes by type of entry: ``regular``, ``source.local``, ``exec.cachemount``, …"""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["builder", "taken_at"], name="cache_snapshot_uq")
        ]

    def __str__(self) -> str:
        return f"{self.builder_id} at {self.taken_at}"


class BuilderEntries(models.Model):
    """The entries of a builder's newest snapshot, by id.

    ``{id: [type, description, bytes, last used (ISO 8601, or null)]}``.
    """

    builder = models.OneToOneField(
        Builder, models.DB_CASCADE, primary_key=True, related_name="entries"
    )
    taken_at = models.DateTimeField()
    entries = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"entries of {self.builder_id}"


class Eviction(models.Model):
    """An entry that one snapshot had and the next one had no more: pruned, or collected."""

    builder = models.ForeignKey(
        Builder, models.DB_CASCADE, related_name="evictions", db_index=False
    )
    entry_id = models.CharField(max_length=64)
    type = models.CharField(max_length=40)
    description = models.TextField()
    freed_bytes = models.BigIntegerField()
    last_used_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    """When it was last there."""
    gone_at = models.DateTimeField()
    """When it was first missed."""

    class Meta:
        indexes: ClassVar = [
            # What a builder lost within a period.
            models.Index(fields=["builder", "-gone_at"], name="cache_eviction_ix")
        ]

    def __str__(self) -> str:
        return f"{self.entry_id} of {self.builder_id}"
