"""Platforms for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import project_id_for
from accounts.models import Project
from accounts.roles import Scope
from builds.api import PROJECT
from reports.platforms import told_platforms


class PlatformPeriodSerializer(serializers.Serializer[Any]):
    """Builds of four weeks; the median is of succeeded ones."""

    builds = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    ended = serializers.IntegerField(help_text="By themselves: not canceled, not lost.")
    cacheable_steps = serializers.IntegerField()
    cached_steps = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True)
    success_ratio = serializers.FloatField(allow_null=True)
    hit_ratio = serializers.FloatField(allow_null=True)


class PlatformRowSerializer(serializers.Serializer[Any]):
    """A platform, or several that were built together; empty if not recorded."""

    platforms = serializers.ListField(child=serializers.CharField())
    now = PlatformPeriodSerializer()
    before = PlatformPeriodSerializer()
    change_ratio = serializers.FloatField(allow_null=True, help_text="Of the median.")
    verdict = serializers.CharField(
        allow_blank=True, help_text="better, worse or same; empty of too few builds."
    )


class EmulatedSerializer(serializers.Serializer[Any]):
    """Emulated against native; the interval is 95 %, null of too few builds."""

    platform = serializers.CharField()
    builder = serializers.CharField()
    is_usual = serializers.BooleanField(
        help_text="Against what native steps usually take that came from the cache."
    )
    builds = serializers.IntegerField()
    pairs = serializers.IntegerField()
    ratio = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    native_seconds = serializers.FloatField()
    emulated_seconds = serializers.FloatField()


class WorstStepSerializer(serializers.Serializer[Any]):
    """A step that emulation costs most."""

    name = serializers.CharField()
    service = serializers.CharField()
    html_url = serializers.CharField(source="href")
    platform = serializers.CharField(source="found.platform")
    pairs = serializers.IntegerField(source="found.pairs")
    ratio = serializers.FloatField(source="found.ratio")
    native_seconds = serializers.FloatField(source="found.native_seconds")
    emulated_seconds = serializers.FloatField(source="found.emulated_seconds")
    seconds_a_week = serializers.FloatField()


class EmulationSerializer(serializers.Serializer[Any]):
    """What emulation costs in busy seconds; null without a pair."""

    builds = serializers.IntegerField()
    unknown_builds = serializers.IntegerField(help_text="Of which the builder's is not known.")
    cross_compiled = serializers.IntegerField()
    weeks = serializers.FloatField()
    pairs = serializers.IntegerField()
    seconds_a_week = serializers.FloatField(allow_null=True)
    slowdowns = EmulatedSerializer(many=True)
    worst = WorstStepSerializer(many=True)


class PlatformsSerializer(serializers.Serializer[Any]):
    """What a project builds for: the last four weeks against the four before."""

    platforms = PlatformRowSerializer(many=True)
    together = PlatformRowSerializer(many=True)
    emulation = EmulationSerializer()


class PlatformsView(APIView):
    """Platforms of a project."""

    scope = Scope.BUILDS_READ

    @extend_schema(operation_id="platforms", parameters=[PROJECT], responses=PlatformsSerializer)
    def get(self, request: Request) -> Response:
        """Builds of each platform, and what emulation costs."""
        project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
        return Response(PlatformsSerializer(told_platforms(project)).data)
