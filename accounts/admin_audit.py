"""The administration site writes to the trail, too."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse

from accounts.models import Project, User
from audit.services import record


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Each change is an event, with the fields that were changed; values may be secrets."""

    @transaction.atomic
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Make an action on chosen rows one act with its events; Django does so for forms alone."""
        return super().changelist_view(request, extra_context)

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Note what was added."""
        _note(request, "added", obj, message, _project_of(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        """Note what was changed."""
        _note(request, "changed", obj, message, _project_of(obj))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note what is removed, in the server's chain: a project's has lost its readers then.

        The end of a project is the last event of its own chain, too.
        """
        for project in filter(None, map(_project_of, queryset)):
            _note(request, "deleted", project, [], project)
        for obj in queryset:
            _note(request, "deleted", obj, [], None)
        return super().log_deletions(request, queryset)


class OwnPasswordForm(AdminPasswordChangeForm):
    """A new password for whoever is signed in, which Django's site keeps no note of."""

    @transaction.atomic
    def save(self, commit: bool = True) -> Any:
        """Save it with its event."""
        user = super().save(commit)
        record(actor=user, action="user.changed", target=user, changes={"what": "password"})
        return user


def person_of(request: HttpRequest) -> User:
    """Return who is signed in: the site is for nobody else."""
    assert isinstance(request.user, User)  # noqa: S101
    return request.user


def _project_of(obj: models.Model) -> Project | None:
    return obj if isinstance(obj, Project) else None


def _note(
    request: HttpRequest, word: str, obj: models.Model, message: Any, project: Project | None
) -> None:
    record(
        actor=person_of(request),
        action=f"{obj._meta.model_name}.{word}",  # noqa: SLF001
        target=obj,
        project=project,
        changes={"what": message} if message else None,
    )
