"""Sizes of images and of what their instructions add, as far as builds were followed."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from builds.models import Build, Image, Service
from builds.postponing import Postponable
from sizes.querysets import ImageContentsQuerySet, InstructionSizeQuerySet, SizedImageQuerySet


class Waiting(Postponable):
    """A service of which a build came, changed or went; ``since`` is the start of the oldest."""

    service = models.OneToOneField(Service, models.DB_CASCADE, primary_key=True, related_name="+")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.service_id} since {self.since}"


class SizedImage(models.Model):
    """An image that a succeeded build made, in the order of the starts of builds.

    ``number`` counts the images of one service, target, variant and platform from 1.
    """

    service = models.ForeignKey(
        Service, models.DB_CASCADE, related_name="sized_images", db_index=False
    )
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=60, blank=True)
    number = models.PositiveIntegerField()
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="sized_images")
    image = models.ForeignKey(Image, models.DB_CASCADE, related_name="sized")
    at = models.DateTimeField()
    """Start of the build."""
    size_bytes = models.BigIntegerField()
    """Σ compressed sizes of its layers."""

    objects = SizedImageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "target", "variant", "platform", "number"],
                name="sizes_sizedimage_number_uq",
            )
        ]
        indexes: ClassVar = [
            # The newest of each group, those of a time, and those to be made again.
            models.Index(
                fields=["service", "target", "variant", "platform", "-at"],
                name="sizes_sizedimage_group_ix",
            ),
            models.Index(fields=["service", "-at"], name="sizes_sizedimage_service_ix"),
        ]

    def __str__(self) -> str:
        return f"image {self.image_id} of build {self.build_id}"

    @property
    def group(self) -> str:
        """Target, variant and platform in words."""
        parts = (self.target, self.variant, self.platform)
        return ", ".join(part for part in parts if part) or "all"


class InstructionSize(models.Model):
    """From which build on an instruction adds so many bytes to the images of its group.

    ``before_bytes`` is missing if the instruction was not there, ``after_bytes`` if it went.
    """

    service = models.ForeignKey(
        Service, models.DB_CASCADE, related_name="instruction_sizes", db_index=False
    )
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=60, blank=True)
    instruction = models.CharField(max_length=500)
    """Normalised: what it is known by over many builds."""
    name = models.CharField(max_length=500)
    position = models.PositiveIntegerField()
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="instruction_sizes")
    """The first one with the new size."""
    at = models.DateTimeField()
    number = models.PositiveIntegerField()
    """The ``SizedImage.number`` of its image."""
    before_bytes = models.BigIntegerField(null=True)
    after_bytes = models.BigIntegerField(null=True)
    until = models.DateTimeField(null=True)
    """When the size changed again; missing while it stands."""
    builds = models.PositiveIntegerField(null=True)
    """How many images had this size, once it has changed again."""

    objects = InstructionSizeQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "target", "variant", "platform", "instruction", "number"],
                name="sizes_instructionsize_uq",
            )
        ]
        indexes: ClassVar = [
            # What stands now, and what changed since some time and is to be opened again.
            models.Index(fields=["service", "until"], name="sizes_instruction_until_ix"),
            models.Index(
                fields=["service"],
                condition=Q(until__isnull=True),
                name="sizes_instruction_open_ix",
            ),
            # Bases, which change seldom.
            models.Index(
                fields=["service", "-at"],
                condition=Q(instruction__startswith="FROM "),
                name="sizes_instruction_base_ix",
            ),
            # What changed in a time.
            models.Index(fields=["service", "-at"], name="sizes_instruction_at_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.instruction} of {self.service_id} since {self.at}"

    @property
    def delta_bytes(self) -> int:
        """How much more it adds than before."""
        return (self.after_bytes or 0) - (self.before_bytes or 0)


class ImageContents(models.Model):
    """What lies in the layers of an image, read once; ``error`` tells why it could not be read."""

    image = models.OneToOneField(
        Image, models.DB_CASCADE, primary_key=True, related_name="contents"
    )
    wasted_bytes = models.BigIntegerField(null=True)
    """Of files that a later layer replaces or removes, not compressed."""
    wasted = models.JSONField(default=list)
    """``buildkit.contents.Waste``, those with most bytes first."""
    tools = models.JSONField(default=list)
    """``buildkit.contents.Tool``, those with most bytes first."""
    total_bytes = models.BigIntegerField(null=True)
    """Of all files of all layers, not compressed."""
    read_at = models.DateTimeField()
    error = models.CharField(max_length=500, blank=True)
    again_at = models.DateTimeField(null=True)
    """When it is tried again; missing if that would not help."""

    objects = ImageContentsQuerySet.as_manager()

    def __str__(self) -> str:
        return f"contents of image {self.image_id}"

    @property
    def is_known(self) -> bool:
        """Whether the layers could be read."""
        return self.wasted_bytes is not None
