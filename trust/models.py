"""Trust policies with their versions, and verifications, which are never changed."""

import uuid
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project, User
from builds.models import Image
from trust.querysets import TrustPolicyVersionQuerySet, VerificationQuerySet


class TrustPolicy(models.Model):
    """A policy under a name; its newest version holds."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="trust_policies", db_index=False
    )
    name = models.CharField(max_length=60)
    environments = ArrayField(models.CharField(max_length=60), default=list)
    """Those that the newest version names; no two policies of a project name the same."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="trust_policy_name_uq")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The policy's page."""
        return reverse("trust:policy", args=[self.project.slug, self.public_id])


class TrustPolicyVersion(models.Model):
    """What a policy said from some moment on."""

    policy = models.ForeignKey(
        TrustPolicy, models.DB_CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    document = models.JSONField()
    digest = models.CharField(max_length=80)
    """SHA-256 of the document as canonical JSON."""
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    author_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TrustPolicyVersionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="trust_version_number_uq")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="immutable",
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "policy_id", "number", "document", "digest", "author_name", "created_at"
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy}, version {self.number}"


class Verification(models.Model):
    """That an image was held against a policy: what came of it, and what that was founded on."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="verifications", db_index=False
    )
    image_name = models.CharField(max_length=500)
    """Repository and tag, without a digest."""
    digest = models.CharField(max_length=80, blank=True)
    """Empty if the registry served nothing that has one."""
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="verifications")
    environment = models.CharField(max_length=60)
    policy_version = models.ForeignKey(
        TrustPolicyVersion, models.DB_SET_NULL, null=True, related_name="verifications"
    )
    """The server's, if it was that; else the policy is only known by its digest in ``inputs``."""
    passed = models.BooleanField()
    reasons = models.JSONField(default=list)
    """``[{"code", "message"}]``: why it did not pass."""
    facts = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)
    reported_by = models.CharField(max_length=200)
    """The name of a token or person, or ``server``."""
    verified_at = models.DateTimeField()
    """As the reporter says, but not after it was received."""
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-verified_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(passed=True, reasons=[]) | (Q(passed=False) & ~Q(reasons=[])),
                name="trust_verification_reasons_ck",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["project", "-verified_at", "-id"], name="trust_verification_list_ix"
            ),
            # Whether there is a newer one of the same image and environment.
            models.Index(
                fields=["project", "image_name", "environment", "-verified_at", "-id"],
                name="trust_verification_newest_ix",
            ),
            models.Index(fields=["project", "digest"], name="trust_verification_digest_ix"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="append_only",
                operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                    "project_id",
                    "image_name",
                    "digest",
                    "environment",
                    "passed",
                    "reasons",
                    "facts",
                    "inputs",
                    "reported_by",
                    "verified_at",
                    "received_at",
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.image_name} in {self.environment}"

    def get_absolute_url(self) -> str:
        """The verification's page."""
        return reverse("trust:verification", args=[self.project.slug, self.public_id])


class WaitingVerification(models.Model):
    """An image that the server is to verify itself; it goes when that is done."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """That of the verification to come."""
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+")
    reference = models.CharField(max_length=700)
    environment = models.CharField(max_length=60)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["asked_at", "pk"]

    def __str__(self) -> str:
        return f"{self.reference} in {self.environment}"
