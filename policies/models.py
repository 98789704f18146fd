"""Policies, their versions, and the verdicts of the days on which they were asked for."""

import uuid
from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project, User
from builds.models import Build, Image
from policies.querysets import PolicyQuerySet, VerdictQuerySet


class Policy(models.Model):
    """What images must be; its rules are those of its newest version."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="policies", db_index=False)
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=100)
    is_default = models.BooleanField(default=False)
    """Whether it holds where no other is chosen: for environments that have none."""
    retired_at = models.DateTimeField(null=True)
    """Since when it holds nowhere; its versions and verdicts stay."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "slug"], name="policies_policy_slug_uq"),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(is_default=True),
                name="policies_policy_default_uq",
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(retired_at__isnull=True),
                name="policies_policy_default_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The policy's page."""
        return reverse("policies:policy", args=[self.project.slug, self.slug])


class PolicyEnvironment(models.Model):
    """An environment in which a policy holds, and no other does."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    policy = models.ForeignKey(Policy, models.DB_CASCADE, related_name="environments")
    environment = models.CharField(max_length=60)

    class Meta:
        ordering: ClassVar = ["environment"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "environment"], name="policies_policyenvironment_uq"
            ),
            models.CheckConstraint(
                condition=~Q(environment=""), name="policies_policyenvironment_named_ck"
            ),
        ]

    def __str__(self) -> str:
        return self.environment


class PolicyVersion(models.Model):
    """The rules of a policy from one change to the next; never changed itself."""

    policy = models.ForeignKey(Policy, models.DB_CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    document = models.JSONField()
    """See ``supplychain.gate.document.SCHEMA``."""
    text = models.TextField()
    """As its author wrote it, with comments."""
    note = models.CharField(max_length=500, blank=True)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    author_name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["policy", "number"], name="policies_policyversion_number_uq"
            )
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="as_written",
                fields=["policy", "number", "document", "text", "note", "author_name"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.number}"


class Verdict(models.Model):
    """What a policy said of an image, with all that it looked at.

    Asked again with the same answer from the same evidence, it is the same verdict, confirmed.
    """

    class Outcome(models.TextChoices):
        """Whether the image may ship."""

        PASS = "pass", "Pass"
        FAIL = "fail", "Fail"
        UNKNOWN = "unknown", "Unknown"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="verdicts", db_index=False)
    digest = models.CharField(max_length=80)
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="verdicts")
    build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="verdicts")
    environment = models.CharField(max_length=60, blank=True)
    version = models.ForeignKey(
        PolicyVersion, models.DB_CASCADE, null=True, related_name="verdicts"
    )
    """``NULL``: what is built in, as no policy was written."""
    outcome = models.CharField(max_length=10, choices=Outcome)
    said = models.JSONField()
    """``{"reasons", "waivers", "passed"}``, see ``supplychain.gate.verdict``."""
    evidence = models.JSONField()
    """See ``supplychain.gate.evidence``."""
    sha256 = models.CharField(max_length=64)
    """Over policy, evidence and answer: what makes two verdicts the same."""
    asked_by = models.CharField(max_length=200)
    at = models.DateTimeField()
    """When it was first said."""
    confirmed_at = models.DateTimeField()

    objects = VerdictQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(confirmed_at__gte=models.F("at")), name="policies_verdict_times_ck"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-at", "-id"], name="policies_verdict_list_ix"),
            models.Index(fields=["project", "digest", "-at"], name="policies_verdict_digest_ix"),
            # What was said since a time, for the first time or again.
            models.Index(fields=["project", "confirmed_at"], name="policies_verdict_said_ix"),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="as_of_that_day",
                exclude=["image", "build", "confirmed_at"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.outcome} of {self.digest[:19]}"

    def get_absolute_url(self) -> str:
        """The verdict's page."""
        return reverse("policies:verdict", args=[self.project.slug, self.public_id])
