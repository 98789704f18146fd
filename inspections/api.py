"""Inspections and BuildKit's checks for machines."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.roles import Scope
from builds.api import PROJECT
from inspections.documents import InspectionDocument, LintDocument, parsed
from inspections.exceptions import DocumentError
from inspections.filters import InspectionFilter, RuleFilter
from inspections.models import Inspection, Rule
from inspections.parsers import DocumentParser
from inspections.rules import take_lint
from inspections.serializers import (
    InspectionDetailSerializer,
    InspectionSerializer,
    LintTakenSerializer,
    RuleSerializer,
    TakenSerializer,
)
from inspections.services import take_inspection

SENT_TO = OpenApiParameter(
    "project", str, description="Slug; needed if you may send to several projects."
)


def _document[T: InspectionDocument | LintDocument](model: type[T], request: Request) -> T:
    try:
        return parsed(model, request.data)
    except DocumentError as error:
        raise ValidationError({place: [text] for place, text in error.errors.items()}) from error


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class InspectionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Inspection]
):
    """Looks at images, the newest first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.INGEST_WRITE
    queryset = Inspection.objects.none()
    filterset_class = InspectionFilter
    parser_classes = [DocumentParser]
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-received_at", "-id")

    def get_queryset(self) -> Any:
        """Inspections that the actor may see."""
        return in_project(
            self.request, Inspection.objects.visible_to(actor_of(self.request)).told()
        )

    def get_serializer_class(self) -> Any:
        """One inspection tells the results, too."""
        is_one = self.action == "retrieve"
        return InspectionDetailSerializer if is_one else InspectionSerializer

    @extend_schema(
        parameters=[SENT_TO],
        request={"application/json": InspectionDocument},
        responses={201: TakenSerializer, 200: TakenSerializer},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Take what `buildinsights inspect --json` writes; 200 if the same was sent before."""
        taken = take_inspection(
            project_id=project_id_for(request),
            document=_document(InspectionDocument, request),
            actor=actor_of(request),
        )
        public_id = taken.inspection.public_id
        answer = {
            "id": public_id,
            "url": reverse("api:inspection-detail", args=[public_id], request=request),
            "duplicate": taken.is_known,
        }
        code = status.HTTP_200_OK if taken.is_known else status.HTTP_201_CREATED
        return Response(TakenSerializer(answer).data, status=code)


@extend_schema_view(list=extend_schema(parameters=[PROJECT]))
class RuleViewSet(mixins.ListModelMixin, GenericViewSet[Rule]):
    """Rules of BuildKit's checks that Dockerfiles break, or have broken."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.INGEST_WRITE
    queryset = Rule.objects.none()
    serializer_class = RuleSerializer
    filterset_class = RuleFilter
    parser_classes = [DocumentParser]
    cursor_ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Rules of services that the actor may see."""
        rules = Rule.objects.visible_to(actor_of(self.request)).with_state().told()
        return in_project(self.request, rules)

    @extend_schema(
        parameters=[SENT_TO],
        request={"application/json": LintDocument},
        responses={201: LintTakenSerializer},
        filters=False,
        description=(
            "Take what `buildinsights lint --json` writes of one target. The same again only moves"
            " its time."
        ),
    )
    def create(self, request: Request) -> Response:
        """Take what BuildKit's checks have found."""
        look = take_lint(
            project_id=project_id_for(request),
            document=_document(LintDocument, request),
            actor=actor_of(request),
        )
        answer = LintTakenSerializer({"id": look.public_id, "rules": look.counts})
        return Response(answer.data, status=status.HTTP_201_CREATED)
