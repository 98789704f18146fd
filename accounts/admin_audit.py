"""The administration site writes to the trail, too."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.models import Project, User
from audit.services import record


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Each change is an event, with the fields that were changed; values may be secrets."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Note what was added."""
        _note(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Note what was changed."""
        _note(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note what is removed."""
        for obj in queryset:
            _note(request, "deleted", obj, [])
        return super().log_deletions(request, queryset)


def _note(request: HttpRequest, word: str, obj: models.Model, message: Any) -> None:
    assert isinstance(request.user, User)  # noqa: S101  # the site is for signed-in people
    project = obj if isinstance(obj, Project) and word != "deleted" else None
    name = obj._meta.model_name  # noqa: SLF001
    record(
        actor=request.user,
        action=f"{name}.{word}",
        target=obj,
        project=project,
        changes={"what": message},
    )
