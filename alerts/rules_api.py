"""Rules for machines."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.permissions import scope_asked
from accounts.roles import Scope
from alerts.forms import RuleForm, initial_of
from alerts.models import AlertRule
from alerts.previewing import preview
from alerts.rules import change_rule, create_rule, delete_rule
from alerts.serializers import AlertRuleSerializer, AlertRuleWriteSerializer, PreviewSerializer
from buildinsights.forms import errors_of
from builds.api import PROJECT


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class AlertRuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[AlertRule]):
    """Rules of projects, by name."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.ALERTS_WRITE
    queryset = AlertRule.objects.none()
    serializer_class = AlertRuleSerializer
    filterset_fields = ("kind", "is_on")
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Rules that the actor may see, or change."""
        scope = scope_asked(self.request, self)
        rows = AlertRule.objects.visible_to(actor_of(self.request), scope).told()
        return in_project(self.request, rows)

    @extend_schema(
        request=AlertRuleWriteSerializer, responses={201: AlertRuleSerializer}, parameters=[PROJECT]
    )
    def create(self, request: Request) -> Response:
        """Make a rule, which is evaluated within a minute."""
        project = self._project(request, self.write_scope)
        draft = _form(project, request, {}).draft
        rule = create_rule(project=project, draft=draft, actor=actor_of(request))
        return Response(AlertRuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AlertRuleWriteSerializer, responses=AlertRuleSerializer)
    def update(self, request: Request, public_id: str) -> Response:
        """Replace a rule; what is left out has its default."""
        return self._changed(self.get_object(), request, {})

    @extend_schema(request=AlertRuleWriteSerializer(partial=True), responses=AlertRuleSerializer)
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change a rule; what is left out stays. A 409 if somebody else changes it meanwhile."""
        rule = self.get_object()
        return self._changed(rule, request, initial_of(rule))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Forget a rule; its alerts are kept, and closed."""
        delete_rule(rule=self.get_object(), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request=AlertRuleWriteSerializer, responses=PreviewSerializer, parameters=[PROJECT]
    )
    @action(detail=False, methods=["post"], write_scope=Scope.BUILDS_READ, pagination_class=None)
    def preview(self, request: Request) -> Response:
        """What a rule would have told of the last 90 days; nothing is kept."""
        project = self._project(request, self.scope)
        draft = _form(project, request, {}).draft
        found = preview(project, draft.wanted(), timezone.now())
        return Response(PreviewSerializer(found).data)

    @staticmethod
    def _project(request: Request, scope: Scope) -> Project:
        return Project.objects.get(pk=project_id_for(request, scope))

    @staticmethod
    def _changed(rule: AlertRule, request: Request, kept: Mapping[str, Any]) -> Response:
        form = _form(rule.project, request, kept)
        changed = change_rule(
            rule=rule,
            draft=form.draft,
            actor=actor_of(request),
            version=form.cleaned_data["version"],
        )
        return Response(AlertRuleSerializer(changed).data)


def _form(project: Project, request: Request, kept: Mapping[str, Any]) -> RuleForm:
    """Return the valid form of a request; raise ``ValidationError`` if it is none."""
    body = AlertRuleWriteSerializer(data=request.data, partial=bool(kept))
    body.is_valid(raise_exception=True)
    empty = RuleForm(project)
    defaults = {name: field.initial for name, field in empty.fields.items()}
    said = defaults | {**kept} | body.validated_data
    for name in ("labels", "environments", "targets"):
        said[name] = ",".join(said[name] or [])
    form = RuleForm(project, said)
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    return form
