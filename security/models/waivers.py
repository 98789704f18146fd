"""Findings that may stay for a time, by the word of two people."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from accounts.models import Project, User
from builds.models import Service
from security.models.findings import Finding
from security.querysets import WaiverQuerySet


class Waiver(models.Model):
    """That findings may stay until a time: asked for by one person, approved by another.

    Where it stands is told from its columns and the time; none says that it has expired.
    """

    class Scope(models.TextChoices):
        """How much it covers."""

        FINDING = "finding", "This finding"
        SERVICE = "service", "This id in the service"
        PACKAGE = "package", "This id in this package, in all services"
        PROJECT = "project", "This id in the whole project"

    class Kind(models.TextChoices):
        """Why it may stay."""

        ACCEPTED = "accepted", "Risk accepted"
        FALSE_POSITIVE = "false_positive", "False positive"
        MITIGATED = "mitigated", "Mitigated otherwise"
        PLANNED = "planned", "Will be fixed by then"

    class State(models.TextChoices):
        """Where it stands at a time."""

        PENDING = "pending", "Waits for approval"
        ACTIVE = "active", "Active"
        EXPIRED = "expired", "Expired"
        REVOKED = "revoked", "Revoked"
        REJECTED = "rejected", "Rejected"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    scope = models.CharField(max_length=10, choices=Scope)
    finding = models.ForeignKey(Finding, models.DB_CASCADE, null=True, related_name="waivers")
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="+")
    package = models.CharField(max_length=400, blank=True)
    name = models.CharField(max_length=200)
    """The vulnerability's, check's or rule's id; aliases of a finding count."""
    environment = models.CharField(max_length=60, blank=True)
    """If it is given, only findings that are in no other environment are covered."""
    kind = models.CharField(max_length=16, choices=Kind)
    reason = models.TextField()
    requested_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    rejected_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    rejected_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-requested_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("requested_by")),
                name="security_waiver_two_people_ck",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None) | Q(rejected_at=None),
                name="security_waiver_one_decision_ck",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("requested_at")), name="security_waiver_expiry_ck"
            ),
            models.CheckConstraint(
                condition=Q(scope="finding", finding__isnull=False)
                | Q(scope="service", finding=None, service__isnull=False, package="")
                | Q(scope="package", finding=None, service=None) & ~Q(package="")
                | Q(scope="project", finding=None, service=None, package=""),
                name="security_waiver_scope_ck",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="security_waiver_reason_ck"),
        ]
        indexes: ClassVar = [
            # Those of a project: what covers a finding, and the page.
            models.Index(fields=["project", "expires_at"], name="security_waiver_expires_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_scope_display().lower()}"

    def state_at(self, moment: datetime) -> "Waiver.State":
        """Where it stands at a moment; what nobody decided before it expired has expired, too."""
        if self.rejected_at:
            return self.State.REJECTED
        if self.revoked_at:
            return self.State.REVOKED
        if self.expires_at <= moment:
            return self.State.EXPIRED
        return self.State.ACTIVE if self.approved_at else self.State.PENDING

    def get_absolute_url(self) -> str:
        """Its place on the page of waivers."""
        return f"{reverse('security:waivers', args=[self.project.slug])}#waiver-{self.public_id}"
