"""Reports by the clock: when, about what, to whom, and what was sent."""

import uuid
from datetime import timedelta
from functools import cached_property
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project, User
from builds.branches import BranchClass
from builds.labels import LONGEST_LABEL
from farm.cron import in_words, validate_cron, validate_time_zone
from reports.scheduled.cron import validate_pauses
from reports.scheduled.optimisation import Optimisation
from reports.scheduled.querysets import (
    ReportRecipientQuerySet,
    ReportRunQuerySet,
    ReportScheduleQuerySet,
)


class ReportSection(models.TextChoices):
    """What a report may tell, each a module of ``reports.scheduled.sections``."""

    ATTENTION = "attention", "Needs attention now"
    RECOMMENDATIONS = "recommendations", "What to do first"
    TRENDS = "trends", "Against the period before"
    CHANGES = "changes", "What changed"
    CACHE = "cache", "What the cache was worth"
    IMAGES = "images", "Images"
    FAILURES = "failures", "Failures"
    RESOURCES = "resources", "Builders"
    VULNERABILITIES = "vulnerabilities", "Vulnerabilities"
    COMPARISON = "comparison", "Own past, sisters, published figures"
    METHOD = "method", "How it was made"


class ReportSchedule(models.Model):
    """A report that is made at certain times, of the whole days before.

    ``next_run_at`` is when it is due; whoever moves it on makes the run. Empty ``services``,
    ``labels``, ``environment`` and ``branch_class`` narrow nothing.
    """

    class Days(models.IntegerChoices):
        """Over how many days it tells, held against as many before."""

        DAY = 1, "1 day"
        WEEK = 7, "7 days"
        FORTNIGHT = 14, "14 days"
        MONTH = 30, "30 days"
        QUARTER = 90, "90 days"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="report_schedules", db_index=False
    )
    name = models.CharField(max_length=100)
    cron = models.CharField(
        max_length=100, default="0 7 * * 1", validators=[validate_cron, validate_pauses]
    )
    time_zone = models.CharField(max_length=60, default="UTC", validators=[validate_time_zone])
    days = models.PositiveSmallIntegerField(choices=Days, default=Days.WEEK)
    services = ArrayField(models.SlugField(max_length=100), default=list, blank=True)
    """Slugs, so that a service that goes does not widen the report."""
    labels = ArrayField(models.CharField(max_length=LONGEST_LABEL), default=list, blank=True)
    """As ``key=value``: of services that have all of them when it is made."""
    environment = models.CharField(max_length=60, blank=True)
    branch_class = models.CharField(max_length=10, choices=BranchClass, blank=True)
    sections = ArrayField(models.CharField(max_length=20, choices=ReportSection))
    """In the order in which they are told."""
    attaches_pdf = models.BooleanField("Attach the PDF", default=False, db_default=False)
    is_on = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, editable=False)
    created_by = models.ForeignKey(
        User, models.DB_SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReportScheduleQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "name"], name="reports_reportschedule_project_name_uq"
            ),
            models.CheckConstraint(
                condition=Q(sections__contained_by=ReportSection.values) & ~Q(sections__len=0),
                name="reports_reportschedule_sections_ck",
            ),
        ]
        indexes: ClassVar = [
            # What is due.
            models.Index(
                fields=["next_run_at"], condition=Q(is_on=True), name="reports_schedule_due_ix"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def in_words(self) -> str:
        """When it is made, as a sentence."""
        return in_words(self.cron)

    def get_absolute_url(self) -> str:
        """Where it is shown, and changed."""
        return reverse("reports:schedule", args=[self.project.slug, self.public_id])


class ReportRecipient(models.Model):
    """Who gets a report: a member of the project, or an address that somebody typed.

    Who has unsubscribed stays, so that nobody else can subscribe them again.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    schedule = models.ForeignKey(
        ReportSchedule, models.DB_CASCADE, related_name="recipients", db_index=False
    )
    user = models.ForeignKey(User, models.DB_CASCADE, null=True, related_name="+")
    address = models.EmailField(blank=True)
    unsubscribed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReportRecipientQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "user"],
                condition=Q(user__isnull=False),
                name="reports_reportrecipient_schedule_user_uq",
            ),
            models.UniqueConstraint(
                fields=["schedule", "address"],
                condition=~Q(address=""),
                name="reports_reportrecipient_schedule_address_uq",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=False, address="") | Q(user__isnull=True) & ~Q(address=""),
                name="reports_reportrecipient_who_ck",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user or self.address)

    @property
    def email(self) -> str:
        """Where it is sent to now."""
        return self.user.email if self.user else self.address


class ReportRun(models.Model):
    """One report, made once for the time that it was due.

    ``data`` holds every word and number that was sent, as it was shown; e-mail, page, PDF and CSV
    only arrange it. It outlives its schedule.
    """

    class State(models.TextChoices):
        """Where it stands."""

        PENDING = "pending", "To be made"
        MADE = "made", "Made"
        FAILED = "failed", "Given up"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="report_runs", db_index=False
    )
    schedule = models.ForeignKey(
        ReportSchedule, models.DB_SET_NULL, null=True, related_name="runs", db_index=False
    )
    name = models.CharField(max_length=100)
    due_at = models.DateTimeField()
    first = models.DateField()
    last = models.DateField()
    """The last day that it tells of, in UTC; both are whole days."""
    asked_by = models.CharField(max_length=200, blank=True)
    """Who wanted it at once; empty if its time had come."""
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    data = models.JSONField(null=True)
    recipients = models.PositiveSmallIntegerField(default=0)
    """To how many addresses it goes."""
    error = models.CharField(max_length=1000, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ReportRunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["schedule", "due_at"], name="reports_reportrun_schedule_due_at_uq"
            ),
            models.CheckConstraint(
                condition=~Q(state="made") | Q(data__isnull=False), name="reports_reportrun_made_ck"
            ),
        ]
        indexes: ClassVar = [
            # What is to be made, the oldest first.
            models.Index(
                fields=["next_at"], condition=Q(state="pending"), name="reports_run_due_ix"
            ),
            # The history of a project.
            models.Index(fields=["project", "-due_at", "-id"], name="reports_run_list_ix"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.due_at:%-d %b %Y %H:%M} UTC"

    @property
    def days(self) -> int:
        """How many days it tells of."""
        return (self.last - self.first + timedelta(days=1)).days

    @cached_property
    def report(self) -> Optimisation | None:
        """What was sent; ``None`` until it is made."""
        return None if self.data is None else Optimisation.of_document(self.data)

    @property
    def key(self) -> str:
        """What its deliveries begin with."""
        return f"report/{self.public_id}"

    @property
    def file_name(self) -> str:
        """What files of it are called, without what they end in."""
        return f"report-{self.project.slug}-{self.last}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("reports:run", args=[self.project.slug, self.public_id])
