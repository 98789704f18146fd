"""What caches hold and give, for machines."""

from collections.abc import Mapping
from typing import Any

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
from buildinsights.csv import ChosenAsCSV, GroupsAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from cache.forms import DAYS, Dimension, PeriodForm, WorthForm
from cache.references_page import told_references
from cache.serializers import ServiceCacheSerializer
from cache.storage_page import told_storage
from cache.worth import Worth

PERIOD = OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period.")
SERVICE = OpenApiParameter("service", str, description="Slug of one of the project's services.")


class WorthAsCSV(ChosenAsCSV):
    """The groups, or the weeks that the chart shows."""

    tables = ("groups", "weeks")


WORTH = (
    PERIOD,
    OpenApiParameter("by", str, enum=Dimension.values, description="What groups are of."),
    WorthAsCSV.parameter(),
)
"""What hits and savings are narrowed by."""


class FlagSerializer(serializers.Serializer[Any]):
    """What is wrong with a reference."""

    name = serializers.CharField()
    title = serializers.CharField()
    why = serializers.CharField()
    advice = serializers.CharField()


class ReferenceSerializer(serializers.Serializer[Any]):
    """A cache reference; seconds are sums of the period, bytes those of the last look."""

    reference = serializers.CharField(allow_blank=True)
    services = serializers.ListField(child=serializers.CharField())
    net_seconds = serializers.FloatField(help_text="At most; see docs/caching.md.")
    saved_seconds = serializers.FloatField()
    import_seconds = serializers.FloatField()
    pull_seconds = serializers.FloatField()
    export_seconds = serializers.FloatField()
    imports = serializers.IntegerField()
    failed_imports = serializers.IntegerField()
    hit_builds = serializers.IntegerField()
    exports = serializers.IntegerField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    size_bytes = serializers.IntegerField(allow_null=True)
    own_bytes = serializers.IntegerField(allow_null=True)
    made_at = serializers.DateTimeField(allow_null=True)
    looked_at = serializers.DateTimeField(allow_null=True)
    quarantine_reason = serializers.CharField(allow_null=True)
    flags = FlagSerializer(many=True)


class DaySerializer(serializers.Serializer[Any]):
    """Bytes on a day."""

    day = serializers.DateField()
    size_bytes = serializers.FloatField()


class HolderSerializer(serializers.Serializer[Any]):
    """A builder, or a registry, and what caches take in it; ``forecast`` is a sentence."""

    name = serializers.CharField(allow_blank=True)
    size_bytes = serializers.IntegerField(allow_null=True)
    shared_bytes = serializers.IntegerField(allow_null=True)
    limit_bytes = serializers.IntegerField(allow_null=True)
    looked_at = serializers.DateTimeField(allow_null=True)
    days = DaySerializer(many=True)
    forecast = serializers.CharField()


class StorageSerializer(serializers.Serializer[Any]):
    """What caches take, where."""

    builders = HolderSerializer(many=True)
    registries = HolderSerializer(many=True)


def _asked(request: Request) -> tuple[Project, PeriodForm]:
    project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
    form = PeriodForm(project, request.query_params.dict())
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    return project, form


class ReferencesView(APIView):
    """Cache references of a project."""

    scope = Scope.BUILDS_READ

    @extend_schema(
        operation_id="cache_references",
        parameters=[PROJECT, PERIOD],
        responses=ReferenceSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """What each gives, costs and holds, the costliest first."""
        rows = told_references(*_asked(request))
        return Response(ReferenceSerializer(rows, many=True).data)


class StorageAsCSV(GroupsAsCSV):
    """A row for each day of each builder and registry."""

    def rows(self, data: Mapping[str, Any], request: Request) -> list[dict[str, Any]]:
        """Return ``kind, name, limit_bytes, day, size_bytes``."""
        return [
            {"kind": kind, "name": holder["name"], "limit_bytes": holder["limit_bytes"], **day}
            for kind, holders in (("builder", "builders"), ("registry", "registries"))
            for holder in data[holders]
            for day in holder["days"]
        ]


class StorageView(APIView):
    """What the caches of a project take."""

    scope = Scope.BUILDS_READ
    renderer_classes = (JSONRenderer, StorageAsCSV)

    @extend_schema(
        operation_id="cache_storage", parameters=[PROJECT, PERIOD], responses=StorageSerializer
    )
    def get(self, request: Request) -> Response:
        """Sizes by day of builders and registries; as CSV the days."""
        return Response(StorageSerializer(told_storage(*_asked(request))).data)


class WorthView(APIView):
    """What the cache was worth to a project."""

    scope = Scope.BUILDS_READ
    renderer_classes = (JSONRenderer, WorthAsCSV)

    @extend_schema(
        operation_id="cache",
        parameters=[PROJECT, SERVICE, *WORTH],
        responses=ServiceCacheSerializer,
    )
    def get(self, request: Request) -> Response:
        """Hits and savings of all services, or of one; as CSV only the groups, or the weeks."""
        project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
        return told_worth(request, project)


def told_worth(request: Request, project: Project, **said: str) -> Response:
    """Answer with hits and savings of what is asked for; ``said`` goes before the query."""
    WorthAsCSV.asked(request)
    form = WorthForm(project, request.query_params.dict() | said)
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    found = Worth(form.chosen_services, form.period, form.dimension)
    return Response(ServiceCacheSerializer(found.told()).data)
