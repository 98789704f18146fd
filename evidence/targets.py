"""Where what an event speaks of is shown, if it is still there."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.urls import NoReverseMatch

from audit.models import AuditEvent


def address_of(event: AuditEvent) -> str:
    """Return the page of the target; empty if it has none, or is gone, or is of another chain."""
    try:
        model: Any = apps.get_model(event.target_type)
    except (LookupError, ValueError):
        return ""
    if not hasattr(model, "get_absolute_url"):
        return ""
    found = _find(model, event.target_id)
    project = getattr(found, "project", found)
    if found is None or str(getattr(project, "public_id", "")) != event.chain:
        return ""
    try:
        return str(found.get_absolute_url())
    except NoReverseMatch:
        return ""


def _find(model: Any, key: str) -> Any:
    try:
        model._meta.get_field("public_id")  # noqa: SLF001
        name = "public_id"
    except FieldDoesNotExist:
        name = "pk"
    try:
        return model._default_manager.filter(**{name: key}).first()  # noqa: SLF001
    except (ValidationError, ValueError):
        return None
