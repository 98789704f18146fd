"""The vulnerability assessment for machines: as JSON, CSV and PDF."""

from dataclasses import asdict, fields
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from audit.services import record_soon
from buildinsights.csv import GroupsAsCSV, lines
from buildinsights.forms import errors_of
from builds.api import PROJECT
from reports.assessment import WORST, FindingLine, assessment_of, findings_of, lines_of
from reports.assessment_pdf import as_pdf
from reports.renderers import AsPDF
from security.remediation import PERIODS, RemediationForm

AT_ONCE = 1000
"""Findings that are read at once for the CSV."""


class AssessedScannerSerializer(serializers.Serializer[Any]):
    """What the newest images were scanned with."""

    name = serializers.CharField()
    version = serializers.CharField(allow_blank=True)
    images = serializers.IntegerField()
    oldest_scan = serializers.DateTimeField()
    oldest_database = serializers.DateTimeField(allow_null=True)


class AssessedSeveritySerializer(serializers.Serializer[Any]):
    """How findings of a severity stand, and what changed in the period."""

    severity = serializers.CharField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    came = serializers.IntegerField()
    back = serializers.IntegerField(help_text="Gone before, and there again.")
    went = serializers.IntegerField()
    change = serializers.IntegerField(help_text="Of what is open.")
    median_days = serializers.IntegerField(
        allow_null=True, help_text="Until a fix. Null: half are not fixed yet."
    )
    p90_days = serializers.IntegerField(allow_null=True)


class AssessedFindingSerializer(serializers.Serializer[Any]):
    """A finding that is open."""

    severity = serializers.CharField()
    name = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    kind = serializers.CharField()
    where = serializers.CharField(allow_blank=True)
    service = serializers.CharField()
    environments = serializers.CharField(allow_blank=True)
    origin = serializers.CharField(allow_blank=True)
    base = serializers.CharField(allow_blank=True)
    fixed_version = serializers.CharField(allow_blank=True)
    owner = serializers.CharField(allow_blank=True)
    first_seen_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    is_overdue = serializers.BooleanField()
    is_known_exploited = serializers.BooleanField(allow_null=True)


class AssessedWaiverSerializer(serializers.Serializer[Any]):
    """A waiver in force."""

    name = serializers.CharField()
    covers = serializers.CharField()
    kind = serializers.CharField()
    reason = serializers.CharField()
    requested_by = serializers.CharField()
    approved_by = serializers.CharField()
    approved_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class AssessedImageSerializer(serializers.Serializer[Any]):
    """A newest image; what nobody asked is blank or null."""

    name = serializers.CharField()
    digest = serializers.CharField()
    built_at = serializers.DateTimeField()
    scanned_at = serializers.DateTimeField(allow_null=True)
    policy = serializers.CharField(allow_blank=True)
    verdict = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    is_trusted = serializers.BooleanField(allow_null=True)
    has_sbom = serializers.BooleanField()
    failing_checks = serializers.IntegerField(allow_null=True)


class AssessmentSerializer(serializers.Serializer[Any]):
    """A vulnerability assessment. `findings` are the worst; `left_off` more are in the CSV."""

    project = serializers.CharField()
    service = serializers.CharField(allow_blank=True)
    environment = serializers.CharField(allow_blank=True)
    first = serializers.DateField()
    last = serializers.DateField()
    made_at = serializers.DateTimeField()
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    due_in_a_week = serializers.IntegerField()
    fixed = serializers.IntegerField(help_text="In the period.")
    median_days = serializers.IntegerField(allow_null=True)
    waived = serializers.IntegerField()
    not_affected = serializers.IntegerField()
    coverage = serializers.DictField(child=serializers.IntegerField())
    scanners = AssessedScannerSerializer(many=True)
    not_scanned = serializers.ListField(child=serializers.CharField())
    severities = AssessedSeveritySerializer(many=True)
    findings = AssessedFindingSerializer(many=True)
    left_off = serializers.IntegerField()
    waivers = AssessedWaiverSerializer(many=True)
    images = AssessedImageSerializer(many=True)


class AssessmentView(APIView):
    """The vulnerability assessment of a project."""

    scope = Scope.BUILDS_READ
    renderer_classes = (JSONRenderer, GroupsAsCSV, AsPDF)

    @extend_schema(
        operation_id="assessment_retrieve",
        parameters=[
            PROJECT,
            OpenApiParameter("service", str, description="Slug of one of the project's services."),
            OpenApiParameter("environment", str),
            OpenApiParameter("days", int, enum=[days for days, _ in PERIODS]),
        ],
        responses={
            (200, "application/json"): AssessmentSerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """What is open and overdue, how that was found out, and what was not looked at."""
        project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
        form = RemediationForm(project, request.query_params.dict())
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        record_soon(
            actor=actor_of(request),
            action="assessment.exported",
            target=project,
            project=project,
            changes={"format": request.accepted_renderer.format, "filters": form.data},
        )
        name = f"assessment-{project.slug}"
        if request.accepted_renderer.format == GroupsAsCSV.format:
            return _as_csv(project, form, name)
        found = assessment_of(project, form)
        if request.accepted_renderer.format == AsPDF.format:
            headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
            return Response(as_pdf(found), headers=headers)
        return Response(AssessmentSerializer(found).data)


def _as_csv(project: Project, form: RemediationForm, name: str) -> StreamingHttpResponse:
    """Answer with all open findings, written while they are read."""
    open_ones = findings_of(project, form).open().order_by(*WORST).iterator(AT_ONCE)
    rows = (asdict(line) for line in lines_of(open_ones))
    return StreamingHttpResponse(
        lines([field.name for field in fields(FindingLine)], rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
