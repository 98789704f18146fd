"""Bills of materials for machines."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
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
from sboms.comparison import compare
from sboms.filters import SbomFilter
from sboms.forms import Against
from sboms.models import Sbom, SbomPackage
from sboms.querysets import BY_NAME
from sboms.reading import note_reading
from sboms.serializers import DifferenceSerializer, ListedPackageSerializer, SbomSerializer


class ChangesAsCSV(GroupsAsCSV):
    """The changes, a row a package."""

    key = "changes"

    def rows(self, data: Mapping[str, Any], request: Request) -> Any:
        """Return the changes, licences as one text."""
        return [
            {**change, **{name: ", ".join(change[name]) for name in LICENCES}}
            for change in data[self.key]
        ]


LICENCES = ("licences_before", "licences_after")


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class SbomViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Sbom]):
    """Bills of materials, the newest first."""

    scope = Scope.BUILDS_READ
    queryset = Sbom.objects.none()
    serializer_class = SbomSerializer
    filterset_class = SbomFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering: tuple[str, ...] = ("-received_at", "-id")

    def get_queryset(self) -> Any:
        """Bills that the actor may see."""
        return in_project(self.request, Sbom.objects.visible_to(actor_of(self.request)).told())

    @extend_schema(
        parameters=[PROJECT, OpenApiParameter("name", str, description="Part of a name.")],
        responses=ListedPackageSerializer(many=True),
        filters=False,
    )
    @action(detail=True, filterset_class=None)
    def packages(self, request: Request, public_id: str) -> Response:
        """What the bill lists."""
        part = request.query_params.get("name", "")
        sbom = self.get_object()
        note_reading(sbom, actor_of(request))
        rows: Any = SbomPackage.objects.of(sbom).named(part)
        self.cursor_ordering = BY_NAME
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(ListedPackageSerializer(page, many=True).data)

    @extend_schema(
        parameters=[
            PROJECT,
            OpenApiParameter("against", OpenApiTypes.UUID, required=True, description="The other."),
        ],
        responses=DifferenceSerializer,
        filters=False,
    )
    @action(
        detail=True,
        filterset_class=None,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, ChangesAsCSV],
    )
    def diff(self, request: Request, public_id: str) -> Response:
        """What changed from another bill to this one; as CSV a row a package."""
        form = Against(request.query_params)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        before = get_object_or_404(self.get_queryset(), public_id=form.cleaned_data["against"])
        return Response(DifferenceSerializer(compare(before, self.get_object())).data)
