"""Recommendations for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import project_id_for
from accounts.authentication import actor_of
from accounts.roles import Scope
from buildinsights.forms import errors_of
from builds.api import PROJECT
from builds.models import Service
from recommendations.decisions import OPEN, DecisionForm, decide
from recommendations.models import Recommendation
from sizes.api import SizedServiceViewSet


class DecisionSerializer(serializers.ModelSerializer[Recommendation]):
    """What somebody decided about a recommendation."""

    class Meta:
        model = Recommendation
        fields = ("state", "until", "reason", "decided_by", "decided_at")
        read_only_fields = fields


class DecideSerializer(serializers.Serializer[Any]):
    """A decision: `dismissed` needs a `reason`, `snoozed` a day to come; `open` takes it back."""

    state = serializers.ChoiceField(
        choices=[*(state for state in Recommendation.State.values if state), OPEN]
    )
    until = serializers.DateField(required=False, allow_null=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class RecommendationSerializer(serializers.ModelSerializer[Recommendation]):
    """One thing to do, worth `worth` `unit` a week; closed, what a build took before and since."""

    id = serializers.CharField(source="digest")
    service = serializers.SlugField(source="service.slug", default=None)
    decision = serializers.SerializerMethodField()
    why = serializers.ListField(child=serializers.CharField())
    how = serializers.ListField(child=serializers.CharField())
    examples = serializers.ListField(
        child=serializers.CharField(), help_text="BuildKit's references of some of the builds."
    )

    class Meta:
        model = Recommendation
        fields = (
            "id",
            "service",
            "kind",
            "target",
            "variant",
            "title",
            "why",
            "how",
            "diff",
            "page",
            "unit",
            "worth",
            "low",
            "high",
            "is_upper_bound",
            "builds",
            "examples",
            "opened_at",
            "reopened",
            "closed_at",
            "measure",
            "builds_before",
            "builds_since",
            "mean_before",
            "mean_since",
            "difference_low",
            "difference_high",
            "decision",
        )
        read_only_fields = fields

    def get_decision(self, row: Recommendation) -> Any:
        """What was decided about it, if anything."""
        return DecisionSerializer(row).data if row.state else None


class RecommendedServiceViewSet(SizedServiceViewSet):
    """Services."""

    @extend_schema(
        responses=RecommendationSerializer(many=True), parameters=[PROJECT], filters=False
    )
    @action(detail=True, pagination_class=None)
    def recommendations(self, request: Request, slug: str) -> Response:
        """What to do first, what is worth most first by unit; then what is told no more."""
        rows = self._of(self.get_object())
        told = [*rows.given().order_by("-unit", "-worth", "pk"), *rows.closed()]
        return Response(RecommendationSerializer(told, many=True).data)

    @extend_schema(
        request=DecideSerializer,
        responses=RecommendationSerializer,
        parameters=[PROJECT],
        filters=False,
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="recommendations/<slug:digest>",
        scope=Scope.SERVICES_WRITE,
        pagination_class=None,
    )
    def decide(self, request: Request, slug: str, digest: str) -> Response:
        """Accept, snooze or dismiss a recommendation, or open it again."""
        found = self._of(self.get_object()).given().filter(digest=digest).first()
        if found is None:
            raise NotFound
        return _decided(found, request)

    @staticmethod
    def _of(service: Service) -> Any:
        return Recommendation.objects.filter(service=service).select_related("service", "project")


class RecommendationViewSet(mixins.ListModelMixin, GenericViewSet[Recommendation]):
    """What to do first in a project, of all services and builders, what is worth most first."""

    scope = Scope.BUILDS_READ
    queryset = Recommendation.objects.none()
    serializer_class = RecommendationSerializer
    lookup_field = "digest"
    lookup_value_converter = "slug"
    filterset_fields = ("kind", "unit", "state")
    cursor_ordering = ("-worth", "-id")

    def get_queryset(self) -> Any:
        """Those that are told in the project that the request names, or the actor's only one."""
        rows = Recommendation.objects.filter(project=project_id_for(self.request, self.scope))
        return rows.given().select_related("service", "project")

    @extend_schema(parameters=[PROJECT])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What to do first; seconds and bytes are worth apart: `unit` tells them."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=DecideSerializer,
        responses=RecommendationSerializer,
        parameters=[PROJECT],
        filters=False,
    )
    @action(detail=True, methods=["post"], scope=Scope.SERVICES_WRITE, pagination_class=None)
    def decide(self, request: Request, digest: str) -> Response:
        """Accept, snooze or dismiss a recommendation, or open it again."""
        return _decided(self.get_object(), request)


def _decided(found: Recommendation, request: Request) -> Response:
    """Keep what a request decides; raise ``ValidationError`` if that is no decision."""
    body = DecideSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    form = DecisionForm(body.validated_data)
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    decide(recommendation=found, values=form.cleaned_data, actor=actor_of(request))
    return Response(RecommendationSerializer(found).data)
