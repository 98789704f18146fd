"""Deployments, which are told once and never changed."""

import uuid
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from accounts.models import Project
from builds.models import Build, Image, Service
from deployments.querysets import DIGESTS, DeploymentQuerySet
from policies.models import Verdict


class Deployment(models.Model):
    """That an image was put into an environment. Without a build it waits for the image's."""

    class Status(models.TextChoices):
        """How it ended."""

        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="deployments", db_index=False
    )
    digest = models.CharField(max_length=80)
    """As its sender tells it: of an image, or of the index that lists it."""
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="deployments")
    build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="deployments")
    service = models.ForeignKey(Service, models.DB_SET_NULL, null=True, related_name="deployments")
    """That of the build; until one is known, the one that the sender names."""
    target = models.CharField(max_length=200, blank=True)
    """Likewise: a service may have several images that run beside one another."""
    environment = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=Status, default=Status.SUCCEEDED)
    url = models.CharField(max_length=500, blank=True)
    """Of the job that deployed it."""
    deployed_by = models.CharField(max_length=200, blank=True)
    """The person, as the sender tells; empty: not said."""
    reported_by = models.CharField(max_length=200)
    """The name of the token or person that sent it."""
    verdict = models.ForeignKey(Verdict, models.DB_SET_NULL, null=True, related_name="deployments")
    """The newest for its environment by then. Verdicts are never dated back, so it stays true."""
    stated_at = models.DateTimeField()
    """When it took place by the sender's clock: what tells a repeat from another deployment."""
    deployed_at = models.DateTimeField()
    """The same, but not after it was received."""
    received_at = models.DateTimeField()

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-deployed_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "digest", "environment", "stated_at"],
                name="deployments_deployment_once_uq",
            ),
            models.CheckConstraint(
                condition=~Q(environment=""), name="deployments_deployment_environment_ck"
            ),
            models.CheckConstraint(
                condition=Q(deployed_at__lte=F("received_at")),
                name="deployments_deployment_times_ck",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["project", "-deployed_at", "-id"], name="deployments_deployment_list_ix"
            ),
            # What runs now: the newest of each group.
            models.Index(
                fields=["project", "service", "target", "environment", "-deployed_at", "-id"],
                condition=Q(status="succeeded"),
                name="deployments_deployment_now_ix",
            ),
            models.Index(
                fields=["project"],
                condition=Q(build__isnull=True),
                name="deployments_deployment_wait_ix",
            ),
            GinIndex(
                DIGESTS,
                condition=Q(build__isnull=True),
                name="deployments_awaited_ix",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.ReadOnly(
                name="as_told", exclude=["image", "build", "service", "target", "verdict"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.digest[:19]} in {self.environment}"

    def get_absolute_url(self) -> str:
        """The list of what was deployed of the same digest: one has no page of its own."""
        address = reverse("deployments:list", args=[self.project.slug])
        return f"{address}?digest={self.digest}"
