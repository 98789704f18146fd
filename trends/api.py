"""Changes for machines."""

from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from buildinsights.csv import GroupsAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from cache.api import CachedServiceViewSet, ExplainedBuildViewSet
from trends.budgets import Judged, judge, verdict_of
from trends.changes_page import told_around
from trends.models import Change
from trends.series import DAYS, NARROWED_BY, SHOWN, Grain, TrendForm, trend_of
from trends.services import acknowledge


class PartSerializer(serializers.Serializer[Any]):
    """A step that a change comes from: seconds a build, or of a size the bytes of its layers."""

    identity = serializers.CharField(help_text="Empty if a layer's step is not known.")
    platform = serializers.CharField()
    name = serializers.CharField()
    before_seconds = serializers.FloatField(default=None, allow_null=True)
    after_seconds = serializers.FloatField(default=None, allow_null=True)
    delta_seconds = serializers.FloatField(default=None, allow_null=True)
    before_bytes = serializers.FloatField(default=None, allow_null=True)
    after_bytes = serializers.FloatField(default=None, allow_null=True)
    delta_bytes = serializers.FloatField(default=None, allow_null=True)
    share = serializers.FloatField(help_text="Of all that changed the same way.")
    ran_before = serializers.FloatField(help_text="Share of the builds in which it ran.")
    ran_after = serializers.FloatField()
    median_before = serializers.FloatField(allow_null=True, help_text="Of its runs.")
    median_after = serializers.FloatField(allow_null=True)
    runs_more = serializers.BooleanField()


class CauseSerializer(serializers.Serializer[Any]):
    """What is likely behind a change."""

    cause = serializers.CharField()
    words = serializers.CharField()
    weight = serializers.FloatField(help_text="Share of the change that speaks for it.")
    revision = serializers.CharField(default="", help_text="The commit it came with, if known.")


class BuildAroundSerializer(serializers.Serializer[Any]):
    """A build of the change's series; the value is as recorded, in the metric's unit."""

    build = serializers.UUIDField()
    at = serializers.DateTimeField(help_text="Start of the build.")
    value = serializers.FloatField()
    ref_name = serializers.CharField()
    revision = serializers.CharField()


class AroundSerializer(serializers.Serializer[Any]):
    """The builds around a change, 60 at most on each side, the oldest first."""

    metric = serializers.CharField()
    unit = serializers.CharField(help_text="s, bytes or ratio.")
    since = serializers.DateTimeField(help_text="Start of the first build of the new level.")
    before = serializers.FloatField(help_text="Level before, and the one after.")
    after = serializers.FloatField()
    builds = BuildAroundSerializer(many=True)


class ChangeSerializer(serializers.ModelSerializer[Change]):
    """A change of the level of a series of homogeneous builds."""

    id = serializers.UUIDField(source="public_id")
    service = serializers.SlugField(source="series.service.slug")
    metric = serializers.CharField(source="series.metric")
    target = serializers.CharField(source="series.target")
    variant = serializers.CharField(source="series.variant")
    environment = serializers.CharField(source="series.environment")
    platforms = serializers.CharField(source="series.platforms")
    build = serializers.UUIDField(source="build.public_id")
    revision = serializers.CharField(source="build.revision")
    revision_before = serializers.CharField(source="last_before.revision", default=None)
    parts = PartSerializer(many=True)
    causes = CauseSerializer(many=True)

    class Meta:
        model = Change
        fields = (
            "id",
            "service",
            "metric",
            "target",
            "variant",
            "environment",
            "platforms",
            "kind",
            "state",
            "is_worse",
            "is_slight",
            "direction",
            "before",
            "after",
            "ratio",
            "ratio_low",
            "ratio_high",
            "p_value",
            "builds_before",
            "builds_after",
            "build",
            "revision",
            "revision_before",
            "found_at",
            "ended_at",
            "acknowledged_by",
            "reason",
            "method",
            "parameters",
            "parts",
            "causes",
        )
        read_only_fields = fields


class PointSerializer(serializers.Serializer[Any]):
    """Builds of a time; quantiles are of succeeded ones, in the metric's unit."""

    builds = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_ratio = serializers.FloatField(allow_null=True)
    p25 = serializers.FloatField(allow_null=True)
    median = serializers.FloatField(allow_null=True)
    p75 = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


class StartedPointSerializer(PointSerializer):
    """The same, with the first day of the time."""

    start = serializers.DateField()


class TrendSerializer(serializers.Serializer[Any]):
    """A metric over time; quantiles are off by 1 %, of ratios half a point, at most."""

    metric = serializers.CharField()
    unit = serializers.CharField(help_text="s, bytes, ratio, or x for a multiple.")
    grain = serializers.ChoiceField(choices=Grain.choices)
    points = StartedPointSerializer(many=True)
    now = PointSerializer(help_text="The whole period.")
    before = PointSerializer(help_text="As many days right before it.")


class PointsAsCSV(GroupsAsCSV):
    """The points alone."""

    key = "points"


class AroundAsCSV(GroupsAsCSV):
    """The builds alone."""

    key = "builds"


class TrendServiceViewSet(CachedServiceViewSet):
    """Services."""

    @extend_schema(
        responses=TrendSerializer,
        parameters=[
            PROJECT,
            OpenApiParameter("metric", str, enum=list(SHOWN), description="What is shown."),
            OpenApiParameter("stage", str, description="Of `step_seconds`: of which stage."),
            OpenApiParameter("step", str, description="Or of which step, by its identity."),
            OpenApiParameter("grain", str, enum=Grain.values, description="Of a point."),
            OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period."),
            OpenApiParameter("after", date, description="The first day, instead of `days`."),
            OpenApiParameter("before", date, description="The day after the last."),
            *(
                OpenApiParameter(name, str, description="Only these builds.")
                for name in NARROWED_BY
            ),
        ],
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, PointsAsCSV],
    )
    def trends(self, request: Request, slug: str) -> Response:
        """A metric over time with its quantiles, against the period before; as CSV the points."""
        service = self.get_object()
        form = TrendForm(service, request.query_params.dict())
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        found = trend_of(service, form)
        told = {
            "metric": found.metric.name,
            "unit": found.metric.unit,
            "grain": found.grain.value,
            "points": found.points,
            "now": found.now,
            "before": found.before,
        }
        return Response(TrendSerializer(told).data)


class JudgedSerializer(serializers.Serializer[Any]):
    """One budget held against a build."""

    metric = serializers.CharField(source="budget.metric")
    unit = serializers.CharField(source="budget.means.unit")
    limit = serializers.FloatField(source="budget.limit")
    words = serializers.CharField(source="budget")
    value = serializers.FloatField(allow_null=True)
    shown = serializers.SerializerMethodField(help_text="The value as people write it.")
    state = serializers.ChoiceField(choices=["kept", "exceeded", "unknown"])

    def get_shown(self, judged: Judged) -> str:
        """Return the value in words."""
        metric = judged.budget.means
        return "unknown" if judged.value is None else str(metric.shown(judged.value))


class VerdictSerializer(serializers.Serializer[Any]):
    """Whether a build keeps the budgets of its service."""

    verdict = serializers.ChoiceField(choices=["kept", "exceeded", "unknown", "none"])
    budgets = JudgedSerializer(many=True)


class JudgedBuildViewSet(ExplainedBuildViewSet):
    """Builds, newest first; a build that is posted is queued."""

    @extend_schema(responses=VerdictSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def verdict(self, request: Request, public_id: str) -> Response:
        """Whether it keeps the budgets of its service, for CI."""
        judged = judge(self.get_object())
        told = {"verdict": verdict_of(judged), "budgets": judged}
        return Response(VerdictSerializer(told).data)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a change may stay."""

    reason = serializers.CharField(max_length=500, allow_blank=True, required=False, default="")


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class ChangeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Change]):
    """Changes, those found last first."""

    scope = Scope.BUILDS_READ
    queryset = Change.objects.none()
    serializer_class = ChangeSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("state", "kind", "is_worse")
    cursor_ordering = ("-found_at", "-id")

    def get_queryset(self) -> Any:
        """Changes for which the actor has the scope, of all projects or of the one named."""
        changes = Change.objects.visible_to(actor_of(self.request), self.scope)
        return in_project(self.request, changes.told(), "series__service__project")

    @extend_schema(responses=AroundSerializer, filters=False)
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, AroundAsCSV],
    )
    def builds(self, request: Request, public_id: str) -> Response:
        """The builds around it, as its chart shows them; as CSV these alone."""
        return Response(AroundSerializer(told_around(self.get_object())).data)

    @extend_schema(request=ReasonSerializer, responses=ChangeSerializer, filters=False)
    @action(detail=True, methods=["post"], scope=Scope.SERVICES_WRITE, pagination_class=None)
    def acknowledge(self, request: Request, public_id: str) -> Response:
        """Say that somebody knows, and why it may stay."""
        change = self.get_object()
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        acknowledge(change=change, reason=body.validated_data["reason"], actor=actor_of(request))
        change.refresh_from_db()
        return Response(self.get_serializer(change).data)
