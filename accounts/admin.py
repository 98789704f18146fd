"""Accounts and projects for the administrator of the installation."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from accounts.admin_audit import AuditedAdmin
from accounts.models import Membership, Project, User


@admin.register(User)
class AuditedUserAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    """People."""


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
