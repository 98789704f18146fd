"""Builders, for the administrator of the installation."""

from django.contrib import admin

from accounts.admin_audit import AuditedAdmin
from farm.models import Builder


@admin.register(Builder)
class BuilderAdmin(AuditedAdmin):
    """Which builders there are; what a look at them found can only be read."""

    list_display = ("__str__", "queue", "slots", "is_enabled", "health", "looked_at")
    readonly_fields = (
        "health",
        "driver",
        "platforms",
        "cache_bytes",
        "disk_free_bytes",
        "error",
        "looked_at",
    )
