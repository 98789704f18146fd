"""What was sent to us, kept as it came."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import ApiToken, Project, User
from builds.models import Build
from ingest.querysets import IngestPayloadQuerySet
from sboms.models import Sbom
from security.models import Scan, VexDocument


class PayloadKind(models.TextChoices):
    """What a payload claims to be."""

    BUILDKIT = "buildkit", "BuildKit"
    TRIVY = "trivy", "Trivy"
    VEX = "vex", "VEX"
    SBOM = "sbom", "SBOM"


class IngestPayload(models.Model):
    """One accepted upload. ``public_id`` is the receipt.

    ``body`` is the parts one after the other; ``parts`` tells where each is:
    ``[{"name", "filename", "offset", "size", "sha256"}]``. One row is one insert and one commit.
    """

    class State(models.TextChoices):
        """Where the payload stands."""

        RECEIVED = "received", "Received"
        DIGESTING = "digesting", "Digesting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="payloads")
    token = models.ForeignKey(ApiToken, models.DB_SET_NULL, null=True, related_name="+")
    user = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20, choices=PayloadKind)
    sha256 = models.CharField(max_length=64)
    """Over kind, fields and the digests of all parts: what makes two uploads the same."""
    idempotency_key = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=dict)
    parts = models.JSONField(default=list)
    body = models.BinaryField()
    size_bytes = models.PositiveBigIntegerField()
    shift_seconds = models.BigIntegerField(default=0)
    """Added to every recorded time: sample data are dated relative to today."""

    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    errors = models.JSONField(default=list)
    """``[{"path", "message"}]`` of the last attempt."""
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    digest_started_at = models.DateTimeField(null=True)
    digested_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    builds = models.ManyToManyField(Build, through="PayloadBuild", related_name="payloads")

    objects = IngestPayloadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "kind", "sha256"], name="ingest_payload_sha256_uq"
            ),
            models.UniqueConstraint(
                fields=["project", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="ingest_payload_idempotency_key_uq",
            ),
        ]
        indexes: ClassVar = [
            # The sweep: what is not settled, oldest first.
            models.Index(
                fields=["received_at"],
                condition=Q(state__in=["received", "digesting"]),
                name="ingest_payload_unsettled_ix",
            ),
            # The receipts of a project, newest first.
            models.Index(
                fields=["project", "-received_at", "-id"], name="ingest_payload_project_ix"
            ),
            # The failures that wait for somebody.
            models.Index(
                fields=["project", "-received_at"],
                condition=Q(state="failed", dismissed_at__isnull=True),
                name="ingest_payload_failed_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    def get_absolute_url(self) -> str:
        """The receipt's page."""
        return reverse("ingest:detail", args=[self.project.slug, self.public_id])


class PayloadBuild(models.Model):
    """Which builds a payload told of; several payloads may tell of one build."""

    payload = models.ForeignKey(IngestPayload, models.DB_CASCADE, related_name="build_links")
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="payload_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payload", "build"], name="ingest_payloadbuild_payload_build_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.payload_id} told of {self.build_id}"


class PayloadScan(models.Model):
    """Which scan a payload holds the report of."""

    payload = models.OneToOneField(
        IngestPayload, models.DB_CASCADE, related_name="scan_link", primary_key=True
    )
    scan = models.OneToOneField(Scan, models.DB_CASCADE, related_name="payload_link")

    def __str__(self) -> str:
        return f"{self.payload_id} holds {self.scan_id}"


class PayloadDocument(models.Model):
    """Which document of statements a payload holds."""

    payload = models.OneToOneField(
        IngestPayload, models.DB_CASCADE, related_name="document_link", primary_key=True
    )
    document = models.OneToOneField(VexDocument, models.DB_CASCADE, related_name="payload_link")

    def __str__(self) -> str:
        return f"{self.payload_id} holds {self.document_id}"


class PayloadSbom(models.Model):
    """Which bill of materials a payload holds; several payloads may hold the same one."""

    payload = models.OneToOneField(
        IngestPayload, models.DB_CASCADE, related_name="sbom_link", primary_key=True
    )
    sbom = models.ForeignKey(Sbom, models.DB_CASCADE, related_name="payload_links")

    def __str__(self) -> str:
        return f"{self.payload_id} holds {self.sbom_id}"
