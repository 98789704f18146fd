"""Filters of findings, the same for pages and API."""

import django_filters

from security.models import Finding, Kind, Severity


class FindingFilter(django_filters.FilterSet):
    """By service, state, severity, kind, package and id."""

    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    state = django_filters.ChoiceFilter(choices=Finding.State, label="State", empty_label="All")
    severity = django_filters.MultipleChoiceFilter(
        choices=[(item.label, item.label.capitalize()) for item in reversed(Severity)],
        method="by_severity",
        label="Severity",
    )
    kind = django_filters.ChoiceFilter(choices=Kind, label="Kind", empty_label="All")
    name = django_filters.CharFilter(lookup_expr="iexact", label="Id")
    package = django_filters.CharFilter(lookup_expr="icontains", label="Package")
    fixable = django_filters.BooleanFilter(
        field_name="fixed_version", lookup_expr="exact", method="by_fix", label="With a fix"
    )

    class Meta:
        model = Finding
        fields = ("service", "state", "severity", "kind", "name", "package", "fixable")

    def by_severity(self, findings, name, labels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those of any of the severities."""
        return findings.filter(severity__in=[Severity[label] for label in labels])

    def by_fix(self, findings, name, is_fixable):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those with a version by which they are fixed, or those without."""
        return (
            findings.exclude(fixed_version="") if is_fixable else findings.filter(fixed_version="")
        )
