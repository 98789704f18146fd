"""Bills of materials, the packages in them, and from when to when their images were the newest."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project
from builds.models import Build, Image, Service
from sboms.querysets import SbomPackageQuerySet, SbomQuerySet
from security.models import Lineage
from supplychain.sboms.packages import full_name

BADGES = {"verified": "succeeded", "foreign": "failed", "unchecked": "lost"}
"""How badges show what is known of a signature; the rest says nothing good or bad."""


class Sbom(models.Model):
    """A bill as far as it is no package. Without a lineage it waits for its image's build."""

    class Format(models.TextChoices):
        """How it was written."""

        SPDX = "spdx", "SPDX"
        CYCLONEDX = "cyclonedx", "CycloneDX"

    class Source(models.TextChoices):
        """How it came."""

        UPLOADED = "uploaded", "Uploaded"
        ATTESTATION = "attestation", "Attestation of the image"
        INDEX = "index", "Attested by BuildKit in the image's index"
        TAG = "tag", "Attested by cosign under a tag of the image"
        REFERRER = "referrer", "Refers to the image in its registry"

    class Signature(models.TextChoices):
        """What its sender knows of its signature."""

        UNSIGNED = "unsigned", "Not signed"
        UNCHECKED = "unchecked", "Signed, not checked"
        FOREIGN = "foreign", "Signed by another key"
        VERIFIED = "verified", "Verified"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="sboms", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="sboms")
    lineage = models.ForeignKey(Lineage, models.DB_CASCADE, null=True, related_name="sboms")
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="sboms")
    build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="sboms")
    image_name = models.CharField(max_length=500, blank=True)
    digests = ArrayField(models.CharField(max_length=80), default=list)
    """Digests by which its image may be known: of the manifest or index, and the configuration."""
    sha256 = models.CharField(max_length=64)
    """Of its bytes."""
    format = models.CharField(max_length=12, choices=Format)
    spec_version = models.CharField(max_length=12)
    name = models.CharField(max_length=500, blank=True)
    tools = ArrayField(models.CharField(max_length=200), default=list)
    source = models.CharField(max_length=12, choices=Source)
    signature = models.CharField(max_length=12, choices=Signature, blank=True)
    """Empty if its sender did not say."""
    signed_by = ArrayField(models.CharField(max_length=200), default=list)
    """The keys that it was verified with, as its sender calls them."""
    created_at = models.DateTimeField(null=True)
    """As the bill says."""
    received_at = models.DateTimeField()
    package_count = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)
    since = models.DateTimeField(null=True)
    """When the build of its image began; without an image, when the bill was received."""
    in_use = DateTimeRangeField(null=True)
    """While its image was the newest of its lineage, without an end if it is; ``None`` if it never
    was, or another bill of the same image took its place."""

    objects = SbomQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        constraints: ClassVar = [
            # The same bytes of the same image are the same bill; of no image, of the same lineage.
            models.UniqueConstraint(
                fields=["project", "sha256", "digests"],
                condition=~Q(digests=[]),
                name="sboms_sbom_image_uq",
            ),
            models.UniqueConstraint(
                fields=["lineage", "sha256"], condition=Q(digests=[]), name="sboms_sbom_lineage_uq"
            ),
            models.CheckConstraint(
                condition=Q(signature="verified") & ~Q(signed_by=[])
                | ~Q(signature="verified") & Q(signed_by=[]),
                name="sboms_sbom_signed_by_ck",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-received_at", "-id"], name="sboms_sbom_list_ix"),
            # The neighbours of a bill within its lineage.
            models.Index(
                fields=["lineage", "since"],
                condition=Q(in_use__isnull=False),
                name="sboms_sbom_line_ix",
            ),
            # What was in use at a date.
            GistIndex(fields=["in_use"], name="sboms_sbom_in_use_ix"),
            # What waits for a build with one of its digests.
            models.Index(
                fields=["project"], condition=Q(lineage__isnull=True), name="sboms_sbom_wait_ix"
            ),
            GinIndex(
                fields=["digests"],
                condition=Q(lineage__isnull=True),
                name="sboms_sbom_awaited_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"SBOM of {self.shown_name}"

    @property
    def shown_name(self) -> str:
        """What it is of, for people."""
        return self.image_name or self.name or str(self.public_id)

    @property
    def is_in_use(self) -> bool:
        """Whether its image is the newest of its lineage."""
        return self.in_use is not None and self.in_use.upper is None

    @property
    def signature_badge(self) -> str:
        """The state that a badge about its signature has."""
        return BADGES.get(self.signature, "canceled")

    @property
    def standing(self) -> int:
        """How sure it is that whoever made the image vouches for it.

        What lies beside an image, whoever may push has put there; an index is of the build itself,
        and what was uploaded, or sent without a place, is from whom the project trusts.
        """
        if self.signature == self.Signature.VERIFIED:
            return 3
        if self.source not in {self.Source.TAG, self.Source.REFERRER}:
            return 2
        return 0 if self.signature == self.Signature.FOREIGN else 1

    def get_absolute_url(self) -> str:
        """The bill's page."""
        return reverse("sboms:sbom", args=[self.project.slug, self.public_id])


class PackageVersion(models.Model):
    """One version of a package under one licence, as bills of a project list it."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    key = models.BinaryField(max_length=16)
    """Of all that follows: what makes two rows the same."""
    ecosystem = models.CharField(max_length=60, blank=True)
    """The type of its package URL; empty without one."""
    namespace = models.CharField(max_length=500, blank=True)
    name = models.CharField(max_length=500)
    version = models.CharField(max_length=500, blank=True)
    purl = models.CharField(max_length=1000, blank=True)
    licences = ArrayField(models.CharField(max_length=500), default=list)
    supplier = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "key"], name="sboms_packageversion_key_uq")
        ]
        indexes: ClassVar = [
            # The versions of a package, and of packages whose names begin with a text.
            models.Index(
                fields=["project", "name"],
                name="sboms_packageversion_name_ix",
                opclasses=["int8_ops", "varchar_pattern_ops"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.full_name} {self.version}"

    @property
    def full_name(self) -> str:
        """Its name with its namespace, as its ecosystem writes them."""
        return full_name(self.ecosystem, self.namespace, self.name)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same of it from version to version."""
        return (self.ecosystem, self.namespace, self.name)


class SbomPackage(models.Model):
    """That a bill lists a package: the largest table, and so the narrowest."""

    pk = models.CompositePrimaryKey("package_version", "sbom")
    package_version = models.ForeignKey(
        PackageVersion, models.DB_CASCADE, related_name="listings", db_index=False
    )
    sbom = models.ForeignKey(Sbom, models.DB_CASCADE, related_name="listings", db_index=False)
    is_direct = models.BooleanField(null=True)
    """Whether something that is no package needs it; ``None`` if the bill does not tell."""
    is_in_use = models.BooleanField()
    """Whether the bill's image is the newest of its lineage, kept here so that a search of what is
    in use reads nothing else."""

    objects = SbomPackageQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["sbom", "package_version"], name="sboms_sbompackage_sbom_ix"),
            models.Index(
                fields=["package_version", "sbom"],
                condition=Q(is_in_use=True),
                name="sboms_sbompackage_in_use_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package_version_id} in {self.sbom_id}"
