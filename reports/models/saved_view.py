"""What people keep of dashboards."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Project, User
from reports.querysets import SavedViewQuerySet

LONGEST_PATH = 2000


class SavedView(models.Model):
    """A page of a project, with what it was narrowed to, under a name that its owner gave it.

    ``token`` is in the link by which other members of the project open it, ``NULL`` while it is not
    shared. It opens a page that they may see anyway, so it is kept as it is.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.DB_CASCADE, related_name="saved_views", db_index=False)
    name = models.CharField(max_length=100)
    path = models.CharField(max_length=LONGEST_PATH)
    """Path and query on this site, without a host."""
    token = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001  # NULL is unshared
    shared_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            # Also the views of a person in a project, and all that a person has.
            models.UniqueConstraint(
                fields=["user", "project", "name"], name="reports_savedview_user_project_name_uq"
            ),
            models.CheckConstraint(
                condition=Q(token__isnull=True, shared_at__isnull=True)
                | Q(token__isnull=False, shared_at__isnull=False),
                name="reports_savedview_shared_ck",
            ),
            models.CheckConstraint(
                condition=Q(path__startswith="/") & ~Q(path__startswith="//"),
                name="reports_savedview_path_ck",
            ),
        ]

    def __str__(self) -> str:
        return self.name
