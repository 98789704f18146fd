"""Why steps ran, and what the cache is worth, for machines."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from builds.api import PROJECT, ServiceViewSet
from builds.models import Build, Step
from cache.explaining import named_sibling
from cache.models import Explanation, StepReason
from cache.serializers import ExplanationSerializer, ServiceCacheSerializer
from cache.services import reasons_of
from cache.state_api import WORTH, WorthAsCSV, told_worth
from farm.api import TriggeredBuildViewSet


class CachedServiceViewSet(ServiceViewSet):
    """Services."""

    @extend_schema(
        responses=ServiceCacheSerializer,
        parameters=[PROJECT, *WORTH],
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, WorthAsCSV],
    )
    def cache(self, request: Request, slug: str) -> Response:
        """Hits and savings, from the sums by day; as CSV only the groups, or the weeks."""
        service = self.get_object()
        return told_worth(request, service.project, service=service.slug)


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
