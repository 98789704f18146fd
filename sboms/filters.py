"""Filters of bills, the same for pages and API."""

import django_filters

from sboms.models import Sbom


class SbomFilter(django_filters.FilterSet):
    """By service, digest, format, source and signature."""

    service = django_filters.CharFilter(field_name="service__slug", label="Service")
    digest = django_filters.CharFilter(
        field_name="digests", lookup_expr="contains", method="by_digest", label="Image's digest"
    )
    written_as = django_filters.ChoiceFilter(
        field_name="format", choices=Sbom.Format, label="Format", empty_label="All"
    )
    source = django_filters.ChoiceFilter(choices=Sbom.Source, label="Source", empty_label="All")
    signature = django_filters.ChoiceFilter(
        choices=Sbom.Signature, label="Signature", empty_label="All"
    )

    class Meta:
        model = Sbom
        fields = ("service", "digest", "written_as", "source", "signature")

    def by_digest(self, sboms, name, digest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Those of the image with a digest, whichever of its digests that is."""
        return sboms.filter(digests__contains=[digest])
