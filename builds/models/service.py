"""What is built."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import Project
from builds.querysets import ServiceQuerySet


class Service(models.Model):
    """A thing that a team builds again and again: the unit of trends."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="services")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=100)
    repository_url = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "slug"], name="builds_service_project_slug_uq"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The service's page."""
        return reverse("services:detail", args=[self.project.slug, self.slug])
