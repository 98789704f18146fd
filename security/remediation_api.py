"""How a project gets on with its findings, for machines."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from analytics.remediation import AGES
from buildinsights.csv import ChosenAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from security.models import Severity
from security.remediation import (
    PERIODS,
    Group,
    Remediation,
    RemediationForm,
    remediation_of,
)
from security.severities import SHOWN

AGE_NAMES = (*(f"up_to_{age}_days" for age in AGES), f"over_{AGES[-1]}_days")


class RemediationAsCSV(ChosenAsCSV):
    """One of the tables."""

    tables = ("burn_down", "severities", "services", "environments", "bases")


class OpenNowSerializer(serializers.Serializer[Any]):
    """Findings that are open now."""

    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    due_in_a_week = serializers.IntegerField()


class BurnDownSerializer(serializers.Serializer[Any]):
    """Findings that were open, and overdue, at the end of a day in UTC."""

    day = serializers.DateField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()


class FixSpeedSerializer(serializers.Serializer[Any]):
    """How fast findings are fixed: Kaplan-Meier, open ones counted as not fixed yet."""

    fixed = serializers.IntegerField(source="speed.fixed", help_text="In the period.")
    open = serializers.IntegerField(source="speed.open")
    median_days = serializers.IntegerField(
        source="speed.median_days", allow_null=True, help_text="Null: half are not fixed yet."
    )
    p90_days = serializers.IntegerField(source="speed.p90_days", allow_null=True)


class SeverityRemediationSerializer(FixSpeedSerializer):
    """Of a severity; and how old the open ones are."""

    severity = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Put the severity first, and add a number for each age."""
        fields = super().get_fields()
        ages = {
            name: serializers.IntegerField(source=f"ages.{name}", help_text="Open, of this age.")
            for name in AGE_NAMES
        }
        return {"severity": fields.pop("severity")} | fields | ages


class RemediatedSerializer(FixSpeedSerializer):
    """Of a service, an environment or a base image; without a base it is ours, or not known."""

    name = serializers.CharField(allow_blank=True)
    overdue = serializers.IntegerField()
    change = serializers.IntegerField(help_text="Of what is open, in the period.")

    def get_fields(self) -> dict[str, Any]:
        """Put the name first."""
        fields = super().get_fields()
        return {"name": fields.pop("name")} | fields


class RemediationSerializer(serializers.Serializer[Any]):
    """How a project gets on with its findings."""

    now = OpenNowSerializer()
    whole = FixSpeedSerializer()
    burn_down = BurnDownSerializer(many=True)
    severities = SeverityRemediationSerializer(many=True)
    services = RemediatedSerializer(many=True)
    environments = RemediatedSerializer(many=True)
    bases = RemediatedSerializer(many=True)


class RemediationView(APIView):
    """How a project gets on with its findings."""

    scope = Scope.BUILDS_READ
    renderer_classes = [JSONRenderer, RemediationAsCSV]

    @extend_schema(
        operation_id="remediation_retrieve",
        parameters=[
            PROJECT,
            OpenApiParameter("service", str, description="Slug of one of the project's services."),
            OpenApiParameter("environment", str),
            OpenApiParameter("days", int, enum=[days for days, _ in PERIODS]),
            RemediationAsCSV.parameter(),
        ],
        responses=RemediationSerializer,
    )
    def get(self, request: Request) -> Response:
        """What is open, overdue and due; burn-down by day, ages, and days until a fix."""
        RemediationAsCSV.asked(request)
        project = _project(request)
        form = RemediationForm(project, request.query_params.dict())
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        return Response(RemediationSerializer(told(remediation_of(project, form))).data)


def _project(request: Request) -> Project:
    """Return the project that a request names, or the actor's only one."""
    projects = Project.objects.filter(pk__in=actor_of(request).project_ids_with(Scope.BUILDS_READ))
    if slug := request.query_params.get("project"):
        projects = projects.filter(slug=slug)
    found = list(projects[:2])
    if len(found) != 1:
        raise ValidationError({"project": ["Name one project in which you may do this."]})
    return found[0]


def told(found: Remediation) -> dict[str, Any]:
    """Return what is told as the API has it."""
    return {
        "now": {
            "open": found.open,
            "overdue": found.overdue,
            "due_in_a_week": found.due_in_a_week,
        },
        "whole": {"speed": found.whole},
        "burn_down": found.burn_down,
        "severities": [_severity(found, severity) for severity in SHOWN],
        "services": [_group(group) for group in found.services],
        "environments": [_group(group) for group in found.environments],
        "bases": [_group(group) for group in found.bases],
    }


def _severity(found: Remediation, severity: Severity) -> dict[str, Any]:
    ages = found.ages.get(severity, [0] * len(AGE_NAMES))
    return {
        "severity": severity.label,
        "speed": found.speeds[severity],
        "ages": dict(zip(AGE_NAMES, ages, strict=True)),
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "overdue": group.overdue,
        "change": group.change,
        "speed": group.speed,
    }
