"""Waivers for people with a program of their own; tokens read them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.permissions import scope_asked
from accounts.roles import Scope
from buildinsights.forms import errors_of
from builds.api import PROJECT
from security.models import Finding, Waiver
from security.waiver_form import WaiverForm, drafted
from security.waivers import approve_waiver, ask_for_waiver, reject_waiver, revoke_waiver


class WaiverSerializer(serializers.ModelSerializer[Waiver]):
    """A waiver; what is empty or null does not narrow it."""

    id = serializers.UUIDField(source="public_id")
    project = serializers.SlugField(source="project.slug")
    finding = serializers.UUIDField(source="finding.public_id", default=None)
    service = serializers.SlugField(source="service.slug", default=None)
    state = serializers.SerializerMethodField()
    requested_by = serializers.CharField(source="requested_by.username", default=None)
    approved_by = serializers.CharField(source="approved_by.username", default=None)
    rejected_by = serializers.CharField(source="rejected_by.username", default=None)
    revoked_by = serializers.CharField(source="revoked_by.username", default=None)

    class Meta:
        model = Waiver
        fields = (
            "id",
            "project",
            "state",
            "scope",
            "finding",
            "service",
            "package",
            "name",
            "environment",
            "kind",
            "reason",
            "requested_by",
            "requested_at",
            "expires_at",
            "approved_by",
            "approved_at",
            "rejected_by",
            "rejected_at",
            "revoked_by",
            "revoked_at",
        )
        read_only_fields = fields

    def get_state(self, waiver: Waiver) -> Waiver.State:
        """Where it stands now."""
        return waiver.state_at(timezone.now())


class WaiverAskSerializer(serializers.Serializer[Any]):
    """What to waive, around a finding."""

    finding = serializers.UUIDField()
    scope = serializers.ChoiceField(choices=Waiver.Scope.choices)
    environment = serializers.CharField(required=False, allow_blank=True, max_length=60)
    kind = serializers.ChoiceField(choices=Waiver.Kind.choices)
    until = serializers.DateField(help_text="The last day on which it holds, in UTC.")
    reason = serializers.CharField(max_length=2000)


STATE = OpenApiParameter("state", str, enum=Waiver.State.values, description="As it is now.")


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT, STATE]), retrieve=extend_schema(parameters=[PROJECT])
)
class WaiverViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Waiver]):
    """Waivers, those asked for last first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.FINDINGS_WRITE
    queryset = Waiver.objects.none()
    serializer_class = WaiverSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-requested_at", "-id")

    def get_queryset(self) -> Any:
        """Waivers that the actor may see, or decide on."""
        scope = scope_asked(self.request, self)
        rows = Waiver.objects.visible_to(actor_of(self.request), scope).told()
        state = self.request.query_params.get("state")
        return in_project(
            self.request, rows.in_state(state) if state and self.action == "list" else rows
        )

    @extend_schema(request=WaiverAskSerializer, responses={201: WaiverSerializer})
    def create(self, request: Request) -> Response:
        """Ask for a waiver; it covers nothing until another person approves it."""
        body = WaiverAskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        findings = Finding.objects.visible_to(actor_of(request), Scope.FINDINGS_WRITE).told()
        finding = get_object_or_404(findings, public_id=body.validated_data["finding"])
        form = WaiverForm(finding, body.validated_data)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        said = form.cleaned_data
        waiver = ask_for_waiver(
            waiver=drafted(finding, said["scope"], said["environment"]),
            kind=said["kind"],
            reason=said["reason"],
            expires_at=said["until"],
            actor=actor_of(request),
        )
        return Response(WaiverSerializer(waiver).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=WaiverSerializer)
    @action(detail=True, methods=["post"], write_scope=Scope.FINDINGS_WAIVE)
    def approve(self, request: Request, public_id: str) -> Response:
        """Let what it covers stay; another person than the one who asked has to."""
        waiver = approve_waiver(waiver=self.get_object(), actor=actor_of(request))
        return Response(WaiverSerializer(waiver).data)

    @extend_schema(request=None, responses=WaiverSerializer)
    @action(detail=True, methods=["post"], write_scope=Scope.FINDINGS_WAIVE)
    def reject(self, request: Request, public_id: str) -> Response:
        """Refuse what was asked for."""
        waiver = reject_waiver(waiver=self.get_object(), actor=actor_of(request))
        return Response(WaiverSerializer(waiver).data)

    @extend_schema(request=None, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, public_id: str) -> Response:
        """Take it back: who asked may, and who may approve."""
        waiver = revoke_waiver(waiver=self.get_object(), actor=actor_of(request))
        return Response(WaiverSerializer(waiver).data)
