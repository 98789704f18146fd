"""Statements for machines: those that came, and those that we make."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import mixins, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from audit.services import record_soon
from builds.api import PROJECT
from builds.models import Service
from security.documents_page import statements_of
from security.models import VexDocument, VexStatement
from security.vex_out import document_of
from supplychain.vex.writing import to_cyclonedx, to_openvex


class VexStatementSerializer(serializers.ModelSerializer[VexStatement]):
    """A statement about one product; `findings` is how many it decides on now."""

    findings = serializers.IntegerField(source="matched")

    class Meta:
        model = VexStatement
        fields = (
            "names",
            "product",
            "package",
            "version",
            "image",
            "image_digest",
            "is_understood",
            "status",
            "justification",
            "statement",
            "stated_at",
            "findings",
        )
        read_only_fields = fields


class VexDocumentSerializer(serializers.ModelSerializer[VexDocument]):
    """A document of statements that came."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    service = serializers.SlugField(source="service.slug", default=None)

    class Meta:
        model = VexDocument
        fields = (
            "id",
            "project",
            "service",
            "format",
            "identifier",
            "version",
            "author",
            "issued_at",
            "received_at",
            "is_superseded",
            "problems",
        )
        read_only_fields = fields


class VexDocumentDetailSerializer(VexDocumentSerializer):
    """With its statements."""

    statements = serializers.SerializerMethodField()

    class Meta(VexDocumentSerializer.Meta):
        fields = (*VexDocumentSerializer.Meta.fields, "statements")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(VexStatementSerializer(many=True))
    def get_statements(self, document: VexDocument) -> Any:
        """The statements, the newest first; 1000 at most."""
        return VexStatementSerializer(statements_of(document), many=True).data


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class VexDocumentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[VexDocument]
):
    """Documents of statements, those received last first."""

    scope = Scope.BUILDS_READ
    queryset = VexDocument.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-received_at", "-id")

    def get_queryset(self) -> Any:
        """Documents that the actor may see."""
        rows = VexDocument.objects.visible_to(actor_of(self.request))
        return in_project(self.request, rows.select_related("project", "service"))

    def get_serializer_class(self) -> Any:
        """One document lists its statements, too."""
        return VexDocumentDetailSerializer if self.action == "retrieve" else VexDocumentSerializer


class OpenVexRenderer(JSONRenderer):
    """OpenVEX, which is JSON."""

    media_type = "application/vnd.openvex+json"
    format = "openvex"


class CycloneDXRenderer(JSONRenderer):
    """CycloneDX, which is JSON."""

    media_type = "application/vnd.cyclonedx+json"
    format = "cyclonedx"


class VexView(APIView):
    """What is stated about a service's newest images."""

    scope = Scope.BUILDS_READ
    renderer_classes = [OpenVexRenderer, CycloneDXRenderer, JSONRenderer]

    @extend_schema(
        operation_id="vex_retrieve",
        parameters=[PROJECT, OpenApiParameter("service", str, required=True)],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> Response:
        """VEX of a service by purl and digest of its newest images: OpenVEX or CycloneDX VEX."""
        is_cyclonedx = getattr(request, "accepted_renderer", None).format == "cyclonedx"  # type: ignore[union-attr]
        service = _service(request)
        record_soon(
            actor=actor_of(request),
            action="vex.exported",
            target=service,
            project=service.project,
            changes={"format": "cyclonedx" if is_cyclonedx else "openvex"},
        )
        address = f"{reverse('api:vex', request=request)}{service.public_id}"
        document = document_of(service, timezone.now(), address)
        return Response(to_cyclonedx(document) if is_cyclonedx else to_openvex(document))


def _service(request: Request) -> Service:
    """Return the service that is named; one name may be in several projects."""
    projects = actor_of(request).project_ids_with(Scope.BUILDS_READ)
    services = Service.objects.filter(project__in=projects).select_related("project")
    found: list[Service] = list(
        in_project(request, services).filter(slug=request.query_params.get("service", ""))[:2]
    )
    if not found:
        raise NotFound
    if len(found) > 1:
        raise ValidationError({"project": ["Name one project: several have this service."]})
    return found[0]
