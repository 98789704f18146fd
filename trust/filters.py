"""Filters of verifications, the same for pages and API."""

import django_filters

from trust.models import Verification


class VerificationFilter(django_filters.FilterSet):
    """By image, environment, digest and result."""

    image = django_filters.CharFilter("image_name", lookup_expr="icontains", label="Image")
    environment = django_filters.CharFilter(label="Environment")
    digest = django_filters.CharFilter(label="Digest")
    passed = django_filters.ChoiceFilter(
        choices=[("true", "Trusted"), ("false", "Not trusted")],
        method="by_result",
        label="Result",
        empty_label="All",
    )

    class Meta:
        model = Verification
        fields = ("image", "environment", "digest", "passed")

    def by_result(self, rows, name, value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those that passed, or those that did not."""
        return rows.filter(passed=value == "true")
