"""Builders for machines."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import project_id_for
from accounts.models import Project
from accounts.roles import Scope
from analytics.slots import Verdict
from buildinsights.csv import GroupsAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from builds.models import Build, Service
from cache.forms import DAYS
from resources.builder_page import slots_now
from resources.builders_page import builders_of
from resources.forms import DaysForm
from resources.models import Finding
from resources.series import hours_of, point, points_of

PERIOD = OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period.")


class SumsSerializer(serializers.Serializer[Any]):
    """What builds did on a builder; what was not measured is null."""

    builds = serializers.IntegerField(help_text="Builds that began in that time.")
    sampled_builds = serializers.IntegerField(help_text="Those with samples of the processors.")
    busy_seconds = serializers.FloatField(help_text="Sum of the time of builds.")
    occupied_seconds = serializers.FloatField(help_text="Time with at least one build.")
    at_once = serializers.FloatField(allow_null=True, help_text="Mean of occupied time.")
    most_at_once = serializers.IntegerField()
    sampled_seconds = serializers.FloatField()
    cpu_mean = serializers.FloatField(allow_null=True)
    saturated_ratio = serializers.FloatField(
        allow_null=True, help_text="Share of sampled time with 90 % or more busy."
    )
    memory_peak_bytes = serializers.IntegerField(allow_null=True)
    memory_total_bytes = serializers.IntegerField(allow_null=True)
    disk_bytes = serializers.IntegerField(allow_null=True)
    network_bytes = serializers.IntegerField(allow_null=True)


class BuilderPointSerializer(SumsSerializer):
    """And quantiles by time."""

    cpu_p25 = serializers.FloatField(allow_null=True)
    cpu_median = serializers.FloatField(allow_null=True)
    cpu_p75 = serializers.FloatField(allow_null=True)
    cpu_p95 = serializers.FloatField(allow_null=True)
    memory_p99_bytes = serializers.FloatField(allow_null=True)


class StartedBuilderPointSerializer(BuilderPointSerializer):
    """An hour or a day."""

    start = serializers.DateTimeField()


class LoadSerializer(serializers.Serializer[Any]):
    """So many builds at once; throughput is builds done in the time of one alone."""

    at_once = serializers.IntegerField()
    builds = serializers.IntegerField()
    slowdown = serializers.FloatField()
    throughput = serializers.FloatField()
    memory_bytes = serializers.FloatField(allow_null=True)
    fits = serializers.BooleanField(allow_null=True, help_text="In 90 % of the memory.")


class SlotsSerializer(serializers.Serializer[Any]):
    """How many builds at once are advised."""

    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    slots = serializers.IntegerField(allow_null=True)
    loads = LoadSerializer(many=True)


class LevelSerializer(serializers.Serializer[Any]):
    """Builds with about so many others beside them: as many times as long as alone."""

    others = serializers.IntegerField()
    builds = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class SlowdownSerializer(serializers.Serializer[Any]):
    """What one more build beside costs, as a share of the time alone, with its 95 % interval."""

    slope = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    alone = serializers.IntegerField()
    beside = serializers.IntegerField()
    levels = LevelSerializer(many=True)


class GroupSlowdownSerializer(serializers.Serializer[Any]):
    """The same of builds that are alike; null with too few."""

    service = serializers.CharField()
    target = serializers.CharField(allow_blank=True)
    variant = serializers.CharField(allow_blank=True)
    platforms = serializers.CharField(allow_blank=True)
    cache_state = serializers.CharField(allow_blank=True)
    alone = serializers.IntegerField()
    beside = serializers.IntegerField()
    slope = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class SlowedSerializer(serializers.Serializer[Any]):
    """A build that took longer beside others."""

    build = serializers.UUIDField()
    ratio = serializers.FloatField()
    others = serializers.FloatField()


class BuilderMemorySerializer(serializers.Serializer[Any]):
    """What builds take of a builder's memory."""

    total = serializers.FloatField()
    idle = serializers.FloatField()
    per_build = serializers.FloatField()
    builds = serializers.IntegerField()


class BuilderSerializer(SumsSerializer):
    """A builder over the period; the newest advice."""

    name = serializers.CharField()
    last_hour = serializers.DateTimeField()
    slots = SlotsSerializer(allow_null=True)
    slots_now = serializers.IntegerField(allow_null=True, help_text="Of the queue, if it knows it.")


class BuilderDetailSerializer(serializers.Serializer[Any]):
    """One builder over time, and what its builds cost each other."""

    name = serializers.CharField()
    slots_now = serializers.IntegerField(allow_null=True)
    grain = serializers.ChoiceField(choices=["hour", "day"])
    now = BuilderPointSerializer(help_text="The whole period.")
    points = StartedBuilderPointSerializer(many=True)
    made_at = serializers.DateTimeField(allow_null=True, help_text="When the rest was worked out.")
    slots = SlotsSerializer(allow_null=True)
    slowdown = SlowdownSerializer(allow_null=True)
    memory = BuilderMemorySerializer(allow_null=True)
    groups = GroupSlowdownSerializer(many=True)
    slowest = SlowedSerializer(many=True)


class PointsAsCSV(GroupsAsCSV):
    """The points alone."""

    key = "points"


def _asked(request: Request) -> tuple[Project, DaysForm]:
    project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
    form = DaysForm(request.query_params.dict())
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    return project, form


class BuildersView(APIView):
    """Builders of a project."""

    scope = Scope.BUILDS_READ

    @extend_schema(
        operation_id="builders",
        parameters=[PROJECT, PERIOD],
        responses=BuilderSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """What each has, and what builds took of it, the busiest first; 100 at most."""
        project, form = _asked(request)
        return Response(BuilderSerializer(builders_of(project, form.since), many=True).data)


class BuilderView(APIView):
    """One builder."""

    scope = Scope.BUILDS_READ
    renderer_classes = (JSONRenderer, PointsAsCSV)

    @extend_schema(
        operation_id="builder",
        parameters=[PROJECT, PERIOD],
        responses=BuilderDetailSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """By hour up to 7 days, else by day; as CSV only the points."""
        project, form = _asked(request)
        finding = get_object_or_404(Finding, project=project, builder=name)
        hours = hours_of(project, name, form)
        told = {
            "name": name,
            "slots_now": slots_now(name),
            "grain": "hour" if form.is_hourly else "day",
            "now": point(hours),
            "points": points_of(hours, form),
            "made_at": finding.made_at,
            **_found(finding.found, project),
        }
        return Response(BuilderDetailSerializer(told).data)


def _found(found: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return what was found, with slugs and public ids in place of keys."""
    groups, slowest = found.get("groups", []), found.get("slowest", [])
    services = Service.objects.filter(project=project, pk__in=[row["service"] for row in groups])
    builds = Build.objects.filter(project=project, pk__in=[row["build"] for row in slowest])
    slugs = dict(services.values_list("pk", "slug"))
    ids = dict(builds.order_by().values_list("pk", "public_id"))
    return {
        **{name: found.get(name) for name in ("slots", "slowdown", "memory")},
        "groups": [
            row | {"service": slugs[row["service"]]} for row in groups if row["service"] in slugs
        ],
        "slowest": [row | {"build": ids[row["build"]]} for row in slowest if row["build"] in ids],
    }
