"""Filters of alerts, the same for pages and API."""

import django_filters as filters

from alerts.models import Alert, AlertMember
from alerts.models.alert import STATES
from alerts.models.rule import SEVERITIES, Kind
from builds.filters import MomentFilter


class AlertFilter(filters.FilterSet):
    """By state, severity, kind, service, rule, owner and time."""

    state = filters.MultipleChoiceFilter(choices=STATES, label="State")
    severity = filters.MultipleChoiceFilter(choices=SEVERITIES, label="Severity")
    kind = filters.ChoiceFilter(choices=Kind, label="Kind", empty_label="Any")
    service = filters.CharFilter(method="of_service", label="Service")
    owner = filters.CharFilter(field_name="owner__username", label="Owner")
    rule = filters.CharFilter(field_name="rule_name", label="Rule")
    after = MomentFilter(field_name="seen_at", lookup_expr="gte", label="From")
    before = MomentFilter(field_name="seen_at", lookup_expr="lt", label="Before")

    class Meta:
        model = Alert
        fields = ("state", "severity", "kind", "service", "owner", "rule", "after", "before")

    def of_service(self, alerts, name, slug):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those with a member of a service."""
        hit = AlertMember.objects.filter(service__slug=slug)
        return alerts.filter(pk__in=hit.values("alert"))
