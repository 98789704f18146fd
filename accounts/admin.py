"""Accounts and projects for the administrator of the installation."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.admin_audit import AuditedAdmin, OwnPasswordForm, person_of
from accounts.models import Membership, Project, User
from accounts.services import record_departures

admin.site.unregister(Group)  # roles in projects say who may do what
admin.site.password_change_form = OwnPasswordForm


@admin.register(User)
class AuditedUserAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    """People."""

    @transaction.atomic
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set a password, and note it: one act, which Django does not make of it."""
        return super().user_change_password(request, id, form_url)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note who is removed, and first in their projects that they are members no more."""
        record_departures(users=list(queryset), actor=person_of(request))
        return super().log_deletions(request, queryset)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to the project."""

    model = Membership
    extra = 1


@admin.register(Project)
class ProjectAdmin(AuditedAdmin):
    """Projects with their members."""

    list_display = ("name", "slug", "created_at")
    prepopulated_fields = {"slug": ["name"]}
    inlines = [MembershipInline]
