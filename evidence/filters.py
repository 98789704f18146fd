"""Filters of the trail, the same for page, API and exports."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django import forms

from audit.models import AuditEvent
from builds.filters import MomentFilter


class AddressFilter(django_filters.CharFilter):
    """A filter by network address."""

    field_class = forms.GenericIPAddressField


def _example(text: str) -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": text})


class TrailFilter(django_filters.FilterSet):
    """By who, what, to what, when and from where."""

    actor = django_filters.CharFilter(
        field_name="actor_name", label="Who", widget=_example("complete name")
    )
    action = django_filters.CharFilter(
        method="by_action", label="Action", widget=_example("token. or token.created")
    )
    target = django_filters.CharFilter(field_name="target_id", label="Id of the target")
    address = AddressFilter(field_name="ip", label="IP address")
    after = MomentFilter(field_name="occurred_at", lookup_expr="gte", label="From")
    before = MomentFilter(field_name="occurred_at", lookup_expr="lt", label="Before")
    request_id = django_filters.CharFilter(label="Id of the request")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_action(self, events: Any, name: str, value: str) -> Any:
        """One act by its name, or all of a kind by its beginning: ``token.``."""
        if value.endswith("."):
            return events.filter(action__startswith=value)
        return events.filter(action=value)

    def said(self) -> dict[str, str]:
        """Return what is asked for, as it was asked."""
        said: Mapping[str, Any] = self.data or {}
        return {name: str(said[name]) for name in self.filters if said.get(name)}
