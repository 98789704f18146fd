"""Filters of deployments, the same for pages and API."""

import django_filters

from builds.filters import MomentFilter
from deployments.models import Deployment


class DeploymentFilter(django_filters.FilterSet):
    """By whether it runs now, service, environment, digest, status and time."""

    # First: what runs now does not depend on what else a list is narrowed by.
    current = django_filters.ChoiceFilter(
        choices=[("true", "Runs"), ("false", "Was replaced or failed")],
        method="by_current",
        label="Now",
        empty_label="All",
    )
    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    environment = django_filters.CharFilter(label="Environment")
    digest = django_filters.CharFilter(lookup_expr="startswith", label="Digest")
    status = django_filters.ChoiceFilter(
        choices=Deployment.Status.choices, label="Status", empty_label="Any"
    )
    after = MomentFilter(field_name="deployed_at", lookup_expr="gte", label="From")
    before = MomentFilter(field_name="deployed_at", lookup_expr="lt", label="Before")

    class Meta:
        model = Deployment
        fields = ("current", "service", "environment", "digest", "status", "after", "before")

    def by_current(self, deployments, name, value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those that run now, or those that do not; of no service's image neither can be told."""
        current = deployments.current()
        if value == "true":
            return current
        return deployments.filter(service__isnull=False).exclude(pk__in=current.values("pk"))
