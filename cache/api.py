"""Why steps ran, and what the cache is worth, for machines."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from buildinsights.forms import errors_of
from builds.api import PROJECT, ServiceViewSet
from builds.models import Build, Step
from cache.csv import GroupsAsCSV
from cache.explaining import named_sibling
from cache.forms import DAYS, Dimension, WorthForm
from cache.models import Explanation, StepReason
from cache.serializers import (
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
