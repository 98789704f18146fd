"""Numbers for monitoring."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import actor_of
from accounts.roles import Scope
from reports.prometheus import exposition


class PrometheusText(BaseRenderer):
    """The text format of Prometheus, as it is."""

    media_type = "text/plain"
    format = "txt"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Return what was made; an error in words."""
        return data if isinstance(data, bytes) else str(data).encode()


class MetricsView(APIView):
    """Numbers of the projects that the actor may read."""

    scope = Scope.BUILDS_READ
    renderer_classes = (PrometheusText, JSONRenderer)

    @extend_schema(operation_id="metrics", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> Response:
        """Gauges for Prometheus: of services, and of alerts, deliveries, reports and the trail."""
        found = exposition(actor_of(request).project_ids_with(Scope.BUILDS_READ))
        return Response(found, content_type=CONTENT_TYPE_LATEST)
