"""What happened to findings, and how many were open day by day."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Project
from builds.models import Build, Service
from security.models.findings import Finding, Scan, Severity
from security.models.statements import VexStatement
from security.models.waivers import Waiver


class FindingEvent(models.Model):
    """One thing that happened to a finding; written with it, in one transaction."""

    class Kind(models.TextChoices):
        """What happened."""

        OPENED = "opened", "First seen"
        FIXED = "fixed", "Gone"
        REOPENED = "reopened", "Came back"
        SHIPPED = "shipped", "In an image in use"
        WITHDRAWN = "withdrawn", "On a branch only"
        WAIVER_ASKED = "waiver_asked", "Waiver asked for"
        WAIVER_REJECTED = "waiver_rejected", "Waiver rejected"
        WAIVED = "waived", "Waived"
        WAIVER_EXPIRED = "waiver_expired", "Waiver expired"
        WAIVER_REVOKED = "waiver_revoked", "Waiver revoked"
        WAIVER_LEFT = "waiver_left", "Not covered by the waiver any more"
        STATED = "stated", "Statement"
        STATEMENT_LEFT = "statement_left", "No statement any more"
        OWNER = "owner", "Owner"

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    finding = models.ForeignKey(Finding, models.DB_CASCADE, related_name="events", db_index=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind)
    scan = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+", db_index=False)
    build = models.ForeignKey(
        Build, models.DB_SET_NULL, null=True, related_name="+", db_index=False
    )
    waiver = models.ForeignKey(
        Waiver, models.DB_SET_NULL, null=True, related_name="+", db_index=False
    )
    statement = models.ForeignKey(
        VexStatement, models.DB_SET_NULL, null=True, related_name="+", db_index=False
    )
    actor = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["finding", "at", "id"], name="security_event_finding_ix"),
            # What happened in a project in a time.
            models.Index(fields=["project", "at"], name="security_event_at_ix"),
            # A vanished row is looked for here by what pointed to it.
            models.Index(
                fields=["scan"], condition=Q(scan__isnull=False), name="security_event_scan_ix"
            ),
            models.Index(
                fields=["build"], condition=Q(build__isnull=False), name="security_event_build_ix"
            ),
            models.Index(
                fields=["waiver"],
                condition=Q(waiver__isnull=False),
                name="security_event_waiver_ix",
            ),
            models.Index(
                fields=["statement"],
                condition=Q(statement__isnull=False),
                name="security_event_statement_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.kind}"


class FindingDay(models.Model):
    """By how many a day changed what is open, and overdue: the sum until a day is how many were.

    ``environment`` is empty in the rows that count each finding once; a finding that is in two
    environments counts in both of theirs. A finding that is due on a day to come counts as overdue
    there already, and is taken off there if it is closed in time.
    """

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    environment = models.CharField(max_length=60, blank=True)
    base = models.CharField(max_length=300, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    opened = models.IntegerField(default=0)
    overdue = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service", "day", "environment", "base", "severity"],
                name="security_findingday_uq",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "environment", "day"], name="security_findingday_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} on {self.day}"
