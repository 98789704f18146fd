"""What was done to caches with the command line."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from accounts.models import Project


class CacheAct(models.Model):
    """One act, as the command line noted it where it was done; dry runs are acts, too."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    act_id = models.UUIDField()
    at = models.DateTimeField()
    user = models.CharField(max_length=100)
    host = models.CharField(max_length=200)
    action = models.CharField(max_length=20)
    target = models.CharField(max_length=500)
    dry_run = models.BooleanField()
    outcome = models.CharField(max_length=500)
    details = models.JSONField(default=dict)
    received_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "act_id"], name="cache_act_uq")
        ]
        indexes: ClassVar = [
            # The list of a project, newest first.
            models.Index(fields=["project", "-at", "-id"], name="cache_act_project_ix")
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.target}"
