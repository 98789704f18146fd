"""What was found wrong with images and Dockerfiles by their configuration, build after build."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project
from builds.branches import BranchClass
from builds.models import Build, Image, Service
from inspections.querysets import InspectionQuerySet, RuleLookQuerySet, RuleQuerySet
from security.models import Lineage, Severity


class Inspection(models.Model):
    """A look at an image. Without a lineage it waits for the build that made the image."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="inspections", db_index=False
    )
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="inspections")
    lineage = models.ForeignKey(
        Lineage, models.DB_CASCADE, null=True, related_name="inspections", db_index=False
    )
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="inspections")
    build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="inspections")
    content = models.BinaryField(max_length=32)
    """Of the document but for its time, SHA-256: what makes two looks the same."""
    image_name = models.CharField(max_length=500, blank=True)
    digests = ArrayField(models.CharField(max_length=80), default=list)
    """Of configuration, manifest and index: by these the image is known."""
    source = models.CharField(max_length=20, blank=True)
    platform = models.CharField(max_length=60, blank=True)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=60, blank=True)
    is_production = models.BooleanField(default=False)
    config = models.JSONField(default=dict)
    """``{user, uid, labels, healthcheck, exposed_ports, entrypoint, cmd, layers, bases}``."""
    is_complete = models.BooleanField(default=True)
    problem = models.CharField(max_length=500, blank=True)
    """Why not all of the image was read."""
    tool_version = models.CharField(max_length=60, blank=True)
    image_at = models.DateTimeField(null=True)
    """Start of the build that made the image."""
    inspected_at = models.DateTimeField()
    received_at = models.DateTimeField()
    is_late = models.BooleanField(default=False)
    """Older than what was known, by its image or its time: it has changed nothing."""
    came = ArrayField(models.CharField(max_length=60), default=list)
    went = ArrayField(models.CharField(max_length=60), default=list)
    """Checks that fail and did not for the image before, or the other way round."""

    objects = InspectionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "content"], name="inspections_inspection_content_uq"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["project", "-received_at", "-id"], name="inspections_inspection_list_ix"
            ),
            # The newest image of a lineage, and the one before another.
            models.Index(
                fields=["lineage", "-image_at", "-inspected_at", "-id"],
                name="inspections_inspection_line_ix",
            ),
            models.Index(
                fields=["project"],
                condition=Q(lineage__isnull=True),
                name="inspections_inspection_wait_ix",
            ),
            GinIndex(
                fields=["digests"],
                condition=Q(lineage__isnull=True),
                name="inspections_awaited_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"inspection of {self.image_name or self.public_id}"

    def get_absolute_url(self) -> str:
        """The inspection's page."""
        return reverse("inspections:inspection", args=[self.project.slug, self.public_id])


class CheckResult(models.Model):
    """What came of one check of an image."""

    class Outcome(models.TextChoices):
        """``supplychain.imagechecks.model.Status``, kept."""

        PASS = "pass", "Passed"  # no password
        FAIL = "fail", "Failed"
        UNKNOWN = "unknown", "Unknown"
        NOT_APPLICABLE = "not-applicable", "Not asked"

    inspection = models.ForeignKey(Inspection, models.DB_CASCADE, related_name="results")
    check_id = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    outcome = models.CharField(max_length=20, choices=Outcome)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    message = models.CharField(max_length=1000, blank=True)
    remediation = models.CharField(max_length=1000, blank=True)
    evidence = models.JSONField(default=list)
    """``[{place, detail, layer, instruction, severity}]``, the worst first, and not all of many."""
    count = models.PositiveIntegerField(default=0)
    since = models.ForeignKey(Inspection, models.DB_SET_NULL, null=True, related_name="+")
    """The first of the lineage's images in a row for which it fails; null if it does not fail.

    An image for which it is unknown neither ends nor begins the row.
    """

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["inspection", "check_id"], name="inspections_checkresult_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.outcome}"


class RuleLook(models.Model):
    """A run of BuildKit's own checks over a Dockerfile: by a build, or alone."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+")
    service = models.ForeignKey(
        Service, models.DB_CASCADE, related_name="rule_looks", db_index=False
    )
    build = models.OneToOneField(
        Build, models.DB_CASCADE, null=True, related_name="rule_look", db_index=False
    )
    content = models.BinaryField(max_length=32, null=True)
    """Of the document that was sent, but for its time; null of a build."""
    target = models.CharField(max_length=200, blank=True)
    ref_name = models.CharField(max_length=250, blank=True)
    change_id = models.CharField(max_length=100, blank=True)
    branch_class = models.CharField(max_length=10, choices=BranchClass, blank=True)
    revision = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    """``{rule: places}``; empty if nothing was found."""

    objects = RuleLookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "content"], name="inspections_rulelook_content_uq"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["service", "target", "-at", "-id"], name="inspections_rulelook_ix")
        ]

    def __str__(self) -> str:
        return f"checks of {self.service_id} at {self.at}"


class Rule(models.Model):
    """A rule that one of a service's Dockerfiles breaks or has broken."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="rules", db_index=False)
    target = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=500, blank=True)
    first_at = models.DateTimeField()
    first_build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    """None if it was first found by a look that was no build."""
    last_at = models.DateTimeField()
    """Of the newest look that found it: it is there still if that is the newest of all."""
    last_build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    count = models.PositiveIntegerField()
    places = models.JSONField(default=list)
    """Where it was then: ``[{detail, file, lines}]``, not all of many."""

    is_broken: bool
    """With ``with_state``."""

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "target", "name"], name="inspections_rule_uq"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "name", "id"], name="inspections_rule_list_ix")
        ]

    def __str__(self) -> str:
        return f"{self.name} in {self.service_id}"
