"""What somebody states about vulnerabilities of products: VEX."""

import uuid
from collections.abc import Collection
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project
from builds.models import Service
from security.querysets import VexDocumentQuerySet


class VexStatus(models.TextChoices):
    """What is stated."""

    NOT_AFFECTED = "not_affected", "Not affected"
    AFFECTED = "affected", "Affected"
    FIXED = "fixed", "Fixed"
    UNDER_INVESTIGATION = "under_investigation", "Under investigation"


class VexDocument(models.Model):
    """A document of statements as it was received; a newer version takes its place."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="vex_documents", db_index=False
    )
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
    """That its sender says it is about: then products that are not known are this."""
    format = models.CharField(max_length=12)
    identifier = models.CharField(max_length=500, blank=True)
    """Its own id, the same in all its versions."""
    version = models.PositiveIntegerField(default=1)
    author = models.CharField(max_length=200, blank=True)
    issued_at = models.DateTimeField()
    received_at = models.DateTimeField()
    is_superseded = models.BooleanField(default=False)
    """A newer version of it is here."""
    problems = models.JSONField(default=list)

    objects = VexDocumentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["project", "-received_at", "-id"], name="security_vexdoc_list_ix"),
            models.Index(fields=["project", "identifier"], name="security_vexdoc_id_ix"),
        ]

    def __str__(self) -> str:
        return self.identifier or f"document of {self.author or 'an unnamed author'}"

    def get_absolute_url(self) -> str:
        """The document's page."""
        return reverse("security:document", args=[self.project.slug, self.public_id])


class VexStatement(models.Model):
    """A statement about one vulnerability of one product, or of one package in it.

    What is empty is not said. A product of which nothing is understood covers no finding.
    """

    document = models.ForeignKey(VexDocument, models.DB_CASCADE, related_name="statements")
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
    names = ArrayField(models.CharField(max_length=200))
    """The vulnerability's id and its aliases."""
    product = models.CharField(max_length=1000)
    """As the document names it, with the package in it."""
    package = models.CharField(max_length=400, blank=True)
    version = models.CharField(max_length=300, blank=True)
    image = models.CharField(max_length=500, blank=True)
    """Name or repository of an image."""
    image_digest = models.CharField(max_length=80, blank=True)
    is_understood = models.BooleanField()
    status = models.CharField(max_length=20, choices=VexStatus)
    justification = models.CharField(max_length=60, blank=True)
    statement = models.TextField(blank=True)
    """On impact, or on what to do."""
    stated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-stated_at", "-pk"]
        indexes: ClassVar = [
            GinIndex(fields=["names"], name="security_vex_names_ix"),
            # Those on particular images: looked at again when a service has a new image.
            models.Index(
                fields=["project"],
                condition=~Q(image_digest="") | ~Q(image=""),
                name="security_vex_images_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.names[0]} of {self.product}: {self.get_status_display().lower()}"

    def is_of(self, *, version: str, digests: Collection[str], names: Collection[str]) -> bool:
        """Tell whether an image, by its digests and names, with a package's version is its product.

        ``security.states`` asks the same of the database.
        """
        is_named = any(name == self.image or name.endswith(f"/{self.image}") for name in names)
        return (
            self.version in ("", version)
            and (not self.image_digest or self.image_digest in digests)
            and (not self.image or is_named)
        )
