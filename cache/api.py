"""Why steps ran, and what the cache is worth, for machines."""

from typing import Any

from django.db.models import F
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.authentication import actor_of
from accounts.roles import Scope
from buildinsights.forms import errors_of
from builds.api import PROJECT, ServiceViewSet
from builds.models import Build, Step
from cache.csv import GroupsAsCSV
from cache.decisions import DecisionForm, decide, decisions_on, given_advice
from cache.explaining import named_sibling
from cache.forms import DAYS, Dimension, WorthForm
from cache.models import Explanation, LayerAdvice, StepReason
from cache.serializers import (
    AdviceSerializer,
    DecideSerializer,
    ExplanationSerializer,
    ServiceCacheSerializer,
)
from cache.services import reasons_of
from cache.worth import Worth
from farm.api import TriggeredBuildViewSet


class CachedServiceViewSet(ServiceViewSet):
    """Services."""

    @extend_schema(
        responses=ServiceCacheSerializer,
        parameters=[
            PROJECT,
            OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period."),
            OpenApiParameter("by", str, enum=Dimension.values, description="What groups are of."),
        ],
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, GroupsAsCSV],
    )
    def cache(self, request: Request, slug: str) -> Response:
        """Hits and savings, from the sums by day; as CSV only the groups."""
        service = self.get_object()
        query = request.query_params.dict() | {"service": service.slug}
        form = WorthForm(service.project, query)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        found = Worth([service], form.period, form.dimension)
        return Response(ServiceCacheSerializer(found.told()).data)

    @extend_schema(responses=AdviceSerializer(many=True), parameters=[PROJECT], filters=False)
    @action(detail=True, pagination_class=None)
    def recommendations(self, request: Request, slug: str) -> Response:
        """What to change of its Dockerfiles, what is worth most first; then what was followed."""
        service = self.get_object()
        rows = LayerAdvice.objects.filter(service=service)
        ordered = rows.order_by(F("since").desc(nulls_first=True), "-seconds_a_week", "pk")
        context = {"decisions": decisions_on(service)}
        return Response(AdviceSerializer(ordered, many=True, context=context).data)

    @extend_schema(
        request=DecideSerializer, responses=AdviceSerializer, parameters=[PROJECT], filters=False
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="recommendations/<slug:digest>",
        scope=Scope.SERVICES_WRITE,
        pagination_class=None,
    )
    def decide(self, request: Request, slug: str, digest: str) -> Response:
        """Accept, snooze or dismiss advice, or open it again."""
        service = self.get_object()
        advice = given_advice(service, digest)
        if advice is None:
            raise NotFound
        body = DecideSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        form = DecisionForm(body.validated_data)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        decide(advice=advice, values=form.cleaned_data, actor=actor_of(request))
        context = {"decisions": decisions_on(service)}
        return Response(AdviceSerializer(advice, context=context).data)


class ExplainedBuildViewSet(TriggeredBuildViewSet):
    """Builds, newest first; a build that is posted is queued."""

    @extend_schema(
        responses=ExplanationSerializer,
        parameters=[
            OpenApiParameter("against", str, description="Id of a build of the same service.")
        ],
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def explanation(self, request: Request, public_id: str) -> Response:
        """Why each step ran, against the last comparable build or the one that is named."""
        build = self.get_object()
        try:
            against = named_sibling(build, request.query_params.get("against", ""))
        except Build.DoesNotExist as error:
            raise NotFound from error
        explanation, reasons = reasons_of(build, against)
        return Response(ExplanationSerializer(_told(build, explanation, reasons)).data)


def _told(build: Build, explanation: Explanation, reasons: list[StepReason]) -> dict[str, Any]:
    steps = {step.position: step for step in Step.objects.of(build)}
    against = explanation.against
    return {
        "state": explanation.state,
        "against": against.public_id if against else None,
        "missing": explanation.missing,
        "steps": [
            {
                "vertex_digest": steps[reason.position].vertex_digest,
                "name": steps[reason.position].name,
                "dockerfile_line": steps[reason.position].dockerfile_line,
                "cause": reason.cause,
                "confidence": reason.confidence,
                "first": steps[reason.first].vertex_digest,
                "seconds": reason.seconds,
                "evidence": reason.evidence,
                "missing": reason.missing,
            }
            for reason in reasons
        ],
    }
