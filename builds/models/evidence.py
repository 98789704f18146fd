"""What a build was made from, what came out, what was said, and what it used."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Project
from buildkit.images import INDEX_MEDIA_TYPES
from builds.models.build import Build
from builds.querysets import ImageQuerySet


class Image(models.Model):
    """An image manifest (or index) of a project, found by its digest."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="images")
    digest = models.CharField(max_length=80)
    platform = models.CharField(max_length=60, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    names = ArrayField(models.CharField(max_length=500), default=list)
    size_bytes = models.BigIntegerField(null=True)
    config_digest = models.CharField(max_length=80, blank=True)
    builds = models.ManyToManyField(Build, through="BuildImage", related_name="images")

    objects = ImageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "digest"], name="builds_image_digest_uq")
        ]
        indexes: ClassVar = [
            # What scanners call an image's id.
            models.Index(
                fields=["config_digest"],
                condition=~models.Q(config_digest=""),
                name="builds_image_config_ix",
            )
        ]

    def __str__(self) -> str:
        return self.digest

    @property
    def is_index(self) -> bool:
        """Whether it lists images, and is none itself."""
        return self.media_type in INDEX_MEDIA_TYPES


class BuildImage(models.Model):
    """Which build made (or made again) which image."""

    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="image_links")
    image = models.ForeignKey(Image, models.DB_CASCADE, related_name="build_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["build", "image"], name="builds_buildimage_uq")
        ]

    def __str__(self) -> str:
        return f"build {self.build_id} made image {self.image_id}"


class Layer(models.Model):
    """One layer of an image, or an instruction that made none (``empty``)."""

    image = models.ForeignKey(Image, models.DB_CASCADE, related_name="layers")
    position = models.PositiveIntegerField()
    digest = models.CharField(max_length=80, blank=True)
    diff_id = models.CharField(max_length=80, blank=True)
    media_type = models.CharField(max_length=120, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    created_by = models.TextField(blank=True)
    empty = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image", "position"], name="builds_layer_position_uq")
        ]

    def __str__(self) -> str:
        return self.digest or self.created_by


class Material(models.Model):
    """An input from outside the build context, as provenance lists it."""

    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="materials")
    uri = models.CharField(max_length=1000)
    digest = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["uri", "pk"]

    def __str__(self) -> str:
        return self.uri


class BuildWarning(models.Model):
    """A warning of the frontend, with the lines it is about."""

    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="warnings")
    level = models.PositiveSmallIntegerField()
    short = models.CharField(max_length=500)
    detail = models.TextField(blank=True)
    url = models.CharField(max_length=500, blank=True)
    filename = models.CharField(max_length=300, blank=True)
    lines = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.short


class SourceText(models.Model):
    """The text of a build definition, kept once however many builds used it."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="source_texts")
    sha256 = models.CharField(max_length=64)
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "sha256"], name="builds_sourcetext_sha256_uq"
            )
        ]

    def __str__(self) -> str:
        return self.sha256


class BuildSource(models.Model):
    """The name under which one build read a source text."""

    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="sources")
    source_text = models.ForeignKey(SourceText, models.DB_CASCADE, related_name="+")
    filename = models.CharField(max_length=300)
    language = models.CharField(max_length=60, blank=True)

    class Meta:
        ordering: ClassVar = ["filename", "pk"]

    def __str__(self) -> str:
        return self.filename


class ResourceSeries(models.Model):
    """Builder-wide samples under one build; all arrays run in parallel, ``NULL`` where unknown.

    ``offsets_seconds`` count from the start of the build.
    """

    build = models.OneToOneField(
        Build, models.DB_CASCADE, primary_key=True, related_name="resources"
    )
    offsets_seconds = ArrayField(models.FloatField())
    cpu_ratio = ArrayField(models.FloatField(null=True))
    memory_used_bytes = ArrayField(models.BigIntegerField(null=True))
    memory_total_bytes = models.BigIntegerField(null=True)
    disk_read_bytes = ArrayField(models.BigIntegerField(null=True))
    disk_write_bytes = ArrayField(models.BigIntegerField(null=True))
    network_rx_bytes = ArrayField(models.BigIntegerField(null=True))
    network_tx_bytes = ArrayField(models.BigIntegerField(null=True))

    def __str__(self) -> str:
        return f"resources of build {self.build_id}"
