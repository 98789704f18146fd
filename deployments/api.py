"""Deployments for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import PROJECT, in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from deployments.filters import DeploymentFilter
from deployments.models import Deployment
from deployments.serializers import DeploymentSerializer, TellDeploymentSerializer
from deployments.services import Told, record_deployment


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class DeploymentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Deployment]
):
    """Deployments, the newest first; none is ever changed."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.INGEST_WRITE
    queryset = Deployment.objects.none()
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-deployed_at", "-id")

    def get_queryset(self) -> Any:
        """Deployments that the actor may see."""
        rows = Deployment.objects.visible_to(actor_of(self.request)).told()
        return in_project(self.request, rows)

    @extend_schema(
        parameters=[PROJECT],
        filters=False,
        request=TellDeploymentSerializer,
        responses={200: DeploymentSerializer, 201: DeploymentSerializer},
    )
    def create(self, request: Request) -> Response:
        """Tell of a deployment; 200 with the first one if the same was told before."""
        asked = TellDeploymentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        kept, is_new = record_deployment(
            project=Project.objects.get(pk=project_id_for(request)),
            told=Told(**asked.validated_data),
            actor=actor_of(request),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        told = Deployment.objects.told().get(pk=kept.pk)
        return Response(DeploymentSerializer(told).data, status=code)
