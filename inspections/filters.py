"""Filters of inspections and rules, the same for pages and API."""

import django_filters

from inspections.models import CheckResult, Inspection, Rule


class InspectionFilter(django_filters.FilterSet):
    """By service, variant, environment, and a check that fails."""

    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    variant = django_filters.CharFilter(label="Variant")
    environment = django_filters.CharFilter(label="Environment")
    failing = django_filters.CharFilter(method="by_failing", label="Failing check")

    class Meta:
        model = Inspection
        fields = ("service", "variant", "environment", "failing")

    def by_failing(self, inspections, name, check_id):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those for which a check fails."""
        failing = CheckResult.objects.filter(check_id=check_id, outcome="fail")
        return inspections.filter(pk__in=failing.values("inspection"))


class RuleFilter(django_filters.FilterSet):
    """By service and name."""

    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    name = django_filters.CharFilter(lookup_expr="iexact", label="Rule")

    class Meta:
        model = Rule
        fields = ("service", "name")
