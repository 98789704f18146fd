"""Scans and findings for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.permissions import scope_asked
from accounts.roles import Scope
from builds.api import PROJECT
from security.filters import FindingFilter, ordering_of
from security.models import Finding, Scan
from security.owners import member_named, set_owner
from security.serializers import (
    FindingDetailSerializer,
    FindingOwnerSerializer,
    FindingSerializer,
    ScanSerializer,
)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class ScanViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Scan]):
    """Scans, the newest first."""

    scope = Scope.BUILDS_READ
    queryset = Scan.objects.none()
    serializer_class = ScanSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-received_at", "-id")

    def get_queryset(self) -> Any:
        """Scans that the actor may see."""
        return in_project(self.request, Scan.objects.visible_to(actor_of(self.request)).told())


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class FindingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Finding]):
    """Findings, the worst and newest first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.FINDINGS_WRITE
    queryset = Finding.objects.none()
    filterset_class = FindingFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    @property
    def cursor_ordering(self) -> tuple[str, ...]:
        """The worst and newest first; with ``due`` the first that is due."""
        return ordering_of(self.request.query_params)

    def get_queryset(self) -> Any:
        """Findings that the actor may see, or change."""
        scope = scope_asked(self.request, self)
        return in_project(
            self.request, Finding.objects.visible_to(actor_of(self.request), scope).told()
        )

    def get_serializer_class(self) -> Any:
        """One finding tells where it was, and what happened to it, too."""
        return FindingSerializer if self.action == "list" else FindingDetailSerializer

    @extend_schema(
        request=FindingOwnerSerializer, responses=FindingDetailSerializer, parameters=[PROJECT]
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Give a finding to a member of the project, or to nobody."""
        finding = self.get_object()
        body = FindingOwnerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        name = body.validated_data["owner"]
        owner = member_named(finding, name) if name else None
        set_owner(finding=finding, owner=owner, actor=actor_of(request))
        return Response(FindingDetailSerializer(finding).data)
