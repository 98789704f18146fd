"""Operations on caches for machines."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.forms import errors_of
from builds.api import PROJECT
from cache.models import Operation
from cache.operations.forms import FORMS
from cache.operations.services import ask_by_form, cancel, confirm, shown_plan


class PlanSerializer(serializers.Serializer[Any]):
    """What would be done; empty until a worker has planned it."""

    summary = serializers.CharField(required=False)
    columns = serializers.ListField(child=serializers.CharField(), required=False)
    rows = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), required=False
    )
    rows_total = serializers.IntegerField(required=False)
    notes = serializers.ListField(child=serializers.CharField(), required=False)


class OperationSerializer(serializers.ModelSerializer[Operation]):
    """One operation."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    project = serializers.SlugField(source="project.slug", read_only=True)
    builder = serializers.CharField(source="builder.name", default=None, read_only=True)
    plan = serializers.SerializerMethodField()
    told = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Operation
        fields = (
            "id",
            "project",
            "kind",
            "state",
            "parameters",
            "builder",
            "plan",
            "outcome",
            "told",
            "requested_by",
            "confirmed_by",
            "requested_at",
            "planned_at",
            "ended_at",
        )
        read_only_fields = fields

    @extend_schema_field(PlanSerializer)
    def get_plan(self, operation: Operation) -> dict[str, Any]:
        """Return what the reader may see of it."""
        return shown_plan(operation, actor_of(self.context["request"]))


class WishSerializer(serializers.Serializer[Any]):
    """An operation that is asked for; what each kind takes is in docs/caching.md."""

    kind = serializers.ChoiceField(choices=Operation.Kind.choices)
    parameters = serializers.DictField(required=False, default=dict)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class OperationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Operation]):
    """Operations on caches, newest first: planned, then confirmed."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.CACHE_WRITE
    queryset = Operation.objects.none()
    serializer_class = OperationSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("kind", "state")
    cursor_ordering = ("-requested_at", "-id")

    def get_queryset(self) -> Any:
        """Operations that the actor may see, of all projects or of the one named."""
        return in_project(self.request, self._of(Scope.BUILDS_READ))

    @extend_schema(
        request=WishSerializer,
        responses={201: OperationSerializer},
        parameters=[PROJECT],
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Ask for a plan, which changes nothing."""
        body = WishSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        project = Project.objects.get(pk=project_id_for(request, Scope.CACHE_WRITE))
        kind = Operation.Kind(body.validated_data["kind"])
        form = FORMS[kind](project, body.validated_data["parameters"])
        if not form.is_valid():
            errors = errors_of(form)
            raise ValidationError({"parameters": errors})
        made = ask_by_form(project, kind, form, actor_of(request))
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: OperationSerializer}, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def confirm(self, request: Request, public_id: str) -> Response:
        """Let what is planned be done, and nothing else."""
        found = self._changeable(public_id)
        confirm(operation=found, actor=actor_of(request))
        return self._answer(found)

    @extend_schema(request=None, responses={202: OperationSerializer}, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def cancel(self, request: Request, public_id: str) -> Response:
        """Let an operation be that has not begun."""
        found = self._changeable(public_id)
        cancel(operation=found, actor=actor_of(request))
        return self._answer(found)

    def _of(self, scope: Scope) -> Any:
        projects = actor_of(self.request).project_ids_with(scope)
        rows = Operation.objects.filter(project__in=projects).defer("items")
        return rows.select_related("project", "builder")

    def _changeable(self, public_id: str) -> Operation:
        found: Operation = get_object_or_404(self._of(Scope.CACHE_WRITE), public_id=public_id)
        return found

    def _answer(self, operation: Operation) -> Response:
        operation.refresh_from_db()
        return Response(self.get_serializer(operation).data, status=status.HTTP_202_ACCEPTED)
