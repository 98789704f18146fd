"""What is built."""

import uuid
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from builds.labels import written
from builds.querysets import ServiceQuerySet


class Service(models.Model):
    """A thing that a team builds again and again: the unit of trends."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="services")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100)
    repository_url = models.CharField(max_length=500, blank=True)
    labels = models.JSONField(default=dict, db_default={}, editable=False)
    """Values by key, as ``builds.labels`` allows them."""
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "slug"], name="builds_service_project_slug_uq"
            ),
            # Of all JSON, only objects contain the empty one.
            models.CheckConstraint(
                condition=Q(labels__contains={}), name="builds_service_labels_ck"
            ),
        ]
        indexes: ClassVar = [
            # Those with some labels.
            GinIndex(
                fields=["labels"], opclasses=["jsonb_path_ops"], name="builds_service_label_ix"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def written_labels(self) -> list[str]:
        """Its labels as ``key=value``, by key."""
        return written(self.labels)

    def get_absolute_url(self) -> str:
        """The service's page."""
        return reverse("services:detail", args=[self.project.slug, self.slug])
