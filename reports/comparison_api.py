"""Comparisons for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from builds.api import PROJECT, ServiceViewSet
from reports.comparison import MIN_BUILDS, compare
from reports.sisters import sisters_of


class ValueSerializer(serializers.Serializer[Any]):
    """A quantity of a period: seconds, bytes or a ratio; null is unknown."""

    value = serializers.FloatField(allow_null=True)
    sample = serializers.IntegerField(help_text="Builds, or steps, that it was told from.")


class AgainstSerializer(ValueSerializer):
    """Another side."""

    change = serializers.FloatField(
        allow_null=True, help_text="Now over the other, less one; of ratios the difference."
    )
    verdict = serializers.CharField(
        allow_blank=True,
        help_text=f"better, worse or same; empty of fewer than {MIN_BUILDS} builds on a side.",
    )


class SistersValueSerializer(AgainstSerializer):
    """The median of sisters, each with one voice."""

    services = serializers.IntegerField()


class PublishedSerializer(serializers.Serializer[Any]):
    """A figure that others have published."""

    words = serializers.CharField()
    vars()["source"] = serializers.CharField()
    verdict = serializers.CharField(allow_blank=True)


class QuantitySerializer(serializers.Serializer[Any]):
    """One quantity of the last four weeks, in the order in which it is to be compared."""

    name = serializers.CharField()
    now = ValueSerializer()
    month = AgainstSerializer(help_text="The four weeks before.")
    half_year = AgainstSerializer(help_text="The 26 weeks before.")
    sisters = SistersValueSerializer()
    published = PublishedSerializer(allow_null=True)


class ComparedSisterSerializer(serializers.Serializer[Any]):
    """A sister service, and by which rule."""

    service = serializers.SlugField(source="service.slug")
    rule = serializers.CharField()


class ComparisonOfServiceSerializer(serializers.Serializer[Any]):
    """A service against its past, its sisters and published figures."""

    quantities = QuantitySerializer(many=True)
    sisters = ComparedSisterSerializer(many=True)


class ComparedServiceViewSet(ServiceViewSet):
    """Services."""

    @extend_schema(
        operation_id="services_comparison",
        responses=ComparisonOfServiceSerializer,
        parameters=[PROJECT],
        filters=False,
    )
    def comparison(self, request: Request, slug: str) -> Response:
        """The last four weeks against its own past, its sister services and published figures."""
        service = self.get_object()
        sisters = sisters_of(service)
        rows, of_sisters = compare(service, sisters)
        told = {"quantities": rows, "sisters": of_sisters}
        return Response(ComparisonOfServiceSerializer(told).data)
