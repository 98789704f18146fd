"""Alerts and silences for machines."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project, User
from accounts.permissions import scope_asked
from accounts.roles import Scope
from alerts import services
from alerts.filters import AlertFilter
from alerts.forms import SilenceForm
from alerts.models import Alert, Silence
from alerts.serializers import (
    AlertDetailSerializer,
    AlertSerializer,
    NoteSerializer,
    OptionalNoteSerializer,
    OwnerSerializer,
    SilenceSerializer,
    SilenceWriteSerializer,
)
from alerts.silences import create_silence, end_silence
from buildinsights.forms import errors_of
from builds.api import PROJECT


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class AlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Alert]):
    """Alerts, those noticed last first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.ALERTS_WRITE
    queryset = Alert.objects.none()
    filterset_class = AlertFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-seen_at", "-id")

    def get_queryset(self) -> Any:
        """Alerts that the actor may see, or change."""
        scope = scope_asked(self.request, self)
        rows = Alert.objects.visible_to(actor_of(self.request), scope).told()
        if self.action == "retrieve":
            rows = rows.prefetch_related("members__service", "events")
        return in_project(self.request, rows)

    def get_serializer_class(self) -> Any:
        """One alert tells its context, too."""
        return AlertDetailSerializer if self.action == "retrieve" else AlertSerializer

    @extend_schema(request=OptionalNoteSerializer, responses=AlertSerializer, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def acknowledge(self, request: Request, public_id: str) -> Response:
        """Note that somebody knows; 409 if it does not fire."""
        alert = self.get_object()
        text = _text(request, OptionalNoteSerializer)
        found = services.acknowledge(alert=alert, actor=actor_of(request), text=text)
        return Response(AlertSerializer(found).data)

    @extend_schema(request=OptionalNoteSerializer, responses=AlertSerializer, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def resolve(self, request: Request, public_id: str) -> Response:
        """Close it; while its condition holds on, no other one is opened. 409 if it is closed."""
        alert = self.get_object()
        text = _text(request, OptionalNoteSerializer)
        found = services.resolve(alert=alert, actor=actor_of(request), text=text)
        return Response(AlertSerializer(found).data)

    @extend_schema(request=NoteSerializer, responses=AlertSerializer, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def notes(self, request: Request, public_id: str) -> Response:
        """Write down what somebody found out."""
        alert = self.get_object()
        services.add_note(alert=alert, actor=actor_of(request), text=_text(request, NoteSerializer))
        return Response(AlertSerializer(alert).data)

    @extend_schema(request=OwnerSerializer, responses=AlertSerializer, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def owner(self, request: Request, public_id: str) -> Response:
        """Say who takes care of it, or that nobody does."""
        alert = self.get_object()
        body = OwnerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        name = body.validated_data["owner"]
        members = User.objects.filter(memberships__project=alert.project_id)
        owner = members.filter(username=name).first() if name is not None else None
        if name is not None and owner is None:
            raise ValidationError({"owner": ["Only a member of the project can own its alerts."]})
        services.own(alert=alert, owner=owner, actor=actor_of(request))
        return Response(AlertSerializer(alert).data)


def _text(request: Request, serializer: Any) -> str:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return str(body.validated_data.get("text", ""))


@extend_schema_view(retrieve=extend_schema(parameters=[PROJECT]))
class SilenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Silence]):
    """Silences, those that end last first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.ALERTS_WRITE
    queryset = Silence.objects.none()
    serializer_class = SilenceSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-ends_at", "-id")

    def get_queryset(self) -> Any:
        """Silences that the actor may see, or end."""
        scope = scope_asked(self.request, self)
        rows = Silence.objects.visible_to(actor_of(self.request), scope).told()
        return in_project(self.request, rows)

    @extend_schema(parameters=[PROJECT])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Silences, over or not."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=SilenceWriteSerializer, responses={201: SilenceSerializer}, parameters=[PROJECT]
    )
    def create(self, request: Request) -> Response:
        """Keep alerts from being told for a time."""
        project = get_object_or_404(Project, pk=project_id_for(request, self.write_scope))
        body = SilenceWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        form = SilenceForm(project, said | {"labels": ",".join(said.get("labels", ()))})
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        silence = create_silence(project=project, actor=actor_of(request), **form.cleaned_data)
        return Response(SilenceSerializer(silence).data, status=201)

    @extend_schema(request=None, responses=SilenceSerializer)
    @action(detail=True, methods=["post"], pagination_class=None)
    def end(self, request: Request, public_id: str) -> Response:
        """End it before its time; 409 if it is over."""
        silence = end_silence(silence=self.get_object(), actor=actor_of(request))
        return Response(SilenceSerializer(silence).data)
