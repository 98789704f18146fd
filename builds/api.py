"""Builds and services for machines."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import PROJECT as PROJECT
from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from builds.comparison import ComparisonSerializer, compare
from builds.filters import BuildFilter, ServiceFilter
from builds.labelling import change_labels, set_labels
from builds.models import Build, Service, Step, StepLog
from builds.reading import note_log
from builds.serializers import (
    BuildSerializer,
    CriticalPathSerializer,
    LabelChangesSerializer,
    LabelsSerializer,
    ServiceSerializer,
    StepLogSerializer,
    StepSerializer,
)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class BuildViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Build]):
    """Builds, newest first."""

    scope = Scope.BUILDS_READ
    queryset = Build.objects.none()
    serializer_class = BuildSerializer
    filterset_class = BuildFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> Any:
        """Builds that the actor may read, of all projects or of the one named."""
        builds = Build.objects.visible_to(actor_of(self.request))
        slug = self.request.query_params.get("project")
        builds = builds.of_project(slug) if slug else builds
        return builds.select_related("project", "service")

    @extend_schema(responses=StepSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def steps(self, request: Request, public_id: str) -> Response:
        """All steps in the order in which BuildKit announced them."""
        steps = list(Step.objects.of(self.get_object()))
        return Response(serialize_steps(steps, steps))

    @extend_schema(
        responses=StepLogSerializer(many=True),
        parameters=[
            OpenApiParameter("step", int, description="Only the step at this position."),
            OpenApiParameter("search", str, description="Only steps whose log has this text."),
        ],
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def log(self, request: Request, public_id: str) -> Response:
        """What the steps printed."""
        build = self.get_object()
        note_log(build, actor_of(request))
        logs = StepLog.objects.filter(build_id=build.pk)
        if step := request.query_params.get("step"):
            if not step.isdecimal() or len(step) > 9:
                raise ValidationError({"step": ["Must be the position of a step."]})
            logs = logs.filter(position=int(step))
        if search := request.query_params.get("search"):
            if "\0" in search:
                raise ValidationError({"search": ["Must not contain NUL."]})
            logs = logs.filter(text__icontains=search)
        names = {
            position: (digest, name)
            for position, digest, name in Step.objects.of(build).values_list(
                "position", "vertex_digest", "name"
            )
        }
        rows = [_log_item(item, names) for item in logs]
        return Response(StepLogSerializer(rows, many=True).data)

    @extend_schema(responses=CriticalPathSerializer, filters=False)
    @action(detail=True, url_path="critical-path", pagination_class=None)
    def critical_path(self, request: Request, public_id: str) -> Response:
        """The steps on the critical path, first to last."""
        build = self.get_object()
        steps = list(Step.objects.of(build))
        critical = [step for step in steps if step.critical]
        return Response(
            {
                "seconds": build.critical_path_seconds,
                "steps": serialize_steps(critical, steps),
            }
        )

    @extend_schema(
        responses=ComparisonSerializer,
        parameters=[OpenApiParameter("against", str, required=True, description="Build id.")],
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def compare(self, request: Request, public_id: str) -> Response:
        """This build beside another: what differs, step by step."""
        build = self.get_object()
        other = _other_build(self.get_queryset(), request.query_params.get("against", ""))
        return Response(ComparisonSerializer(compare(other, build)).data)


def serialize_steps(steps: list[Step], of_build: list[Step]) -> Any:
    """Serialize steps, naming their inputs by digest."""
    digests = {step.position: step.vertex_digest for step in of_build}
    return StepSerializer(steps, many=True, context={"digests": digests}).data


def _log_item(item: StepLog, names: dict[int, tuple[str, str]]) -> dict[str, Any]:
    digest, name = names.get(item.position, ("", ""))
    return {
        "position": item.position,
        "vertex_digest": digest,
        "name": name,
        "text": item.text,
        "offsets_ms": item.offsets_ms,
        "clipped": item.clipped,
    }


def _other_build(builds: Any, public_id: str) -> Build:
    try:
        found: Build | None = builds.filter(public_id=public_id).first()
    except (ValueError, TypeError, DjangoValidationError) as error:
        raise ValidationError({"against": ["Must be the id of a build."]}) from error
    if found is None:
        raise NotFound
    return found


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class ServiceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Service]):
    """Services."""

    scope = Scope.BUILDS_READ
    queryset = Service.objects.none()
    serializer_class = ServiceSerializer
    filterset_class = ServiceFilter
    lookup_field = "slug"
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Services for which the actor has the scope, of all projects or of the one named."""
        services = Service.objects.visible_to(actor_of(self.request), self.scope)
        services = services.select_related("project")
        return in_project(self.request, services)

    def get_object(self) -> Service:
        """Return the service; a slug that two projects share needs ``?project=``."""
        found: list[Service] = list(self.get_queryset().filter(slug=self.kwargs["slug"])[:2])
        if not found:
            raise NotFound
        if len(found) > 1:
            raise ValidationError({"project": ["Several projects have this service: name one."]})
        return found[0]

    @extend_schema(
        request=LabelsSerializer, responses=ServiceSerializer, parameters=[PROJECT], filters=False
    )
    @action(detail=True, methods=["put"], scope=Scope.SERVICES_WRITE, pagination_class=None)
    def labels(self, request: Request, slug: str) -> Response:
        """Let it have these labels, and no others."""
        body = LabelsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        labels = body.validated_data["labels"]
        row = set_labels(service=self.get_object(), labels=labels, actor=actor_of(request))
        return Response(ServiceSerializer(row).data)

    @extend_schema(
        request=LabelChangesSerializer,
        responses=ServiceSerializer,
        parameters=[PROJECT],
        filters=False,
    )
    @labels.mapping.patch
    def change_labels(self, request: Request, slug: str) -> Response:
        """Give it labels, or take those with null away; the others stay."""
        body = LabelChangesSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changes = body.validated_data.get("labels", {})
        row = change_labels(service=self.get_object(), changes=changes, actor=actor_of(request))
        return Response(ServiceSerializer(row).data)
