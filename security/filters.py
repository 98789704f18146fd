"""Filters of findings, the same for pages and API."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import django_filters

from security.models import Finding, Kind, Severity

WEEK = timedelta(days=7)

WORST = ("-severity", "-first_seen_at", "-id")
DUE = ("due_at", "id")


def ordering_of(query: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the order of a list: the worst first, or if it is about days the first that is due."""
    return DUE if query.get("due") else WORST


class FindingFilter(django_filters.FilterSet):
    """By service, state, severity, kind, package and id."""

    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    state = django_filters.ChoiceFilter(
        choices=Finding.State, method="by_state", label="State", empty_label="All"
    )
    severity = django_filters.MultipleChoiceFilter(
        choices=[(item.label, item.label.capitalize()) for item in reversed(Severity)],
        method="by_severity",
        label="Severity",
    )
    kind = django_filters.ChoiceFilter(choices=Kind, label="Kind", empty_label="All")
    name = django_filters.CharFilter(method="by_name", label="Id")
    package = django_filters.CharFilter(lookup_expr="icontains", label="Package")
    fixable = django_filters.BooleanFilter(
        field_name="fixed_version", lookup_expr="exact", method="by_fix", label="With a fix"
    )

    environment = django_filters.CharFilter(method="by_environment", label="Environment")
    owner = django_filters.CharFilter(field_name="owner__username", label="Owner")
    due = django_filters.ChoiceFilter(
        choices=[("overdue", "Overdue"), ("week", "Within a week")],
        method="by_due",
        label="Due",
        empty_label="Any time",
    )

    class Meta:
        model = Finding
        fields = (
            "service",
            "state",
            "severity",
            "kind",
            "due",
            "owner",
            "environment",
            "name",
            "package",
            "fixable",
        )

    def by_state(self, findings, name, state):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those that stand so now."""
        return findings.listed(state)

    def by_name(self, findings, name, text):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those of an id, in capitals or not: CVE-2021-1, GHSA-jfh8-c2jp-5v3q, DS002."""
        ways = {text, text.upper(), text.lower(), text[:5].upper() + text[5:].lower()}
        return findings.filter(name__in=ways)

    def by_environment(self, findings, name, environment):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those in images in use there."""
        return findings.filter(environments__contains=[environment])

    def by_due(self, findings, name, when):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Open ones that were to be fixed by now, or are to be within a week."""
        return findings.overdue() if when == "overdue" else findings.due_within(WEEK)

    def by_severity(self, findings, name, labels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those of any of the severities."""
        return findings.filter(severity__in=[Severity[label] for label in labels])

    def by_fix(self, findings, name, is_fixable):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those with a version by which they are fixed, or those without."""
        return (
            findings.exclude(fixed_version="") if is_fixable else findings.filter(fixed_version="")
        )
