"""Filters of verdicts, for pages and machines."""

import django_filters

from policies.models import Verdict


class VerdictFilter(django_filters.FilterSet):
    """Verdicts by outcome, environment, digest and service."""

    outcome = django_filters.ChoiceFilter(choices=Verdict.Outcome.choices, empty_label="Any")
    environment = django_filters.CharFilter()
    digest = django_filters.CharFilter(lookup_expr="startswith")
    service = django_filters.CharFilter(field_name="build__service__slug", label="Service")

    class Meta:
        model = Verdict
        fields = ("outcome", "environment", "digest", "service")
