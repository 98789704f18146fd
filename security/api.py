"""Scans and findings for machines."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import actor_of
from accounts.roles import Scope
from builds.api import PROJECT
from security.filters import FindingFilter
from security.models import Finding, Scan
from security.serializers import FindingDetailSerializer, FindingSerializer, ScanSerializer


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
        return in_project(self, Scan.objects.visible_to(actor_of(self.request)).told())


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class FindingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Finding]):
    """Findings, the worst and newest first."""

    scope = Scope.BUILDS_READ
    queryset = Finding.objects.none()
    filterset_class = FindingFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-severity", "-first_seen_at", "-id")

    def get_queryset(self) -> Any:
        """Findings that the actor may see."""
        return in_project(self, Finding.objects.visible_to(actor_of(self.request)).told())

    def get_serializer_class(self) -> Any:
        """One finding tells where it was, too."""
        return FindingDetailSerializer if self.action == "retrieve" else FindingSerializer


def in_project(view: GenericViewSet[Any], rows: Any) -> Any:
    """Narrow rows to the project that a request names, if it names one."""
    slug = view.request.query_params.get("project")
    return rows.filter(project__slug=slug) if slug else rows
