"""Scheduled reports for programs: schedules, and what was sent, as JSON, CSV, PDF and HTML."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.decorators import method_decorator
from django.views.decorators.csp import csp_override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.permissions import scope_asked
from accounts.roles import Scope
from buildinsights.csv import lines
from buildinsights.forms import errors_of
from builds.api import PROJECT
from reports.models import ReportRun, ReportSchedule, ReportSection
from reports.renderers import AsPDF, MadeRenderer
from reports.scheduled.forms import ReportScheduleForm
from reports.scheduled.optimisation import Optimisation
from reports.scheduled.pages import data_uris
from reports.scheduled.pdf import as_pdf
from reports.scheduled.rendering import COLUMNS, as_html, as_rows
from reports.scheduled.running import preview_of
from reports.scheduled.serializers import (
    ReportRunDetailSerializer,
    ReportRunSerializer,
    ReportScheduleSerializer,
    ReportScheduleWriteSerializer,
)
from reports.scheduled.services import delete_schedule, send_now

MAIL_CSP = {"default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "img-src": ["data:"]}
"""An e-mail has its styles in itself; nothing in it runs or is fetched."""


class AsCSV(MadeRenderer):
    """A line for each cell of its tables."""

    media_type = "text/csv"
    format = "csv"


class AsHTML(MadeRenderer):
    """The e-mail, with its pictures inside."""

    media_type = "text/html"
    format = "html"


RENDERERS = (JSONRenderer, AsCSV, AsPDF, AsHTML)
DOCUMENTS = {
    (200, "text/csv"): OpenApiTypes.STR,
    (200, "application/pdf"): OpenApiTypes.BINARY,
    (200, "text/html"): OpenApiTypes.STR,
}


def document(report: Optimisation, form: str, name: str) -> Response:
    """Return a report in a form that is none of data."""
    makers: dict[str, Callable[[], str | bytes]] = {
        AsPDF.format: lambda: as_pdf(report),
        AsCSV.format: lambda: "".join(lines(COLUMNS, as_rows(report))),
        AsHTML.format: lambda: as_html(report, data_uris(report)),
    }
    is_page = form == AsHTML.format
    kind = "inline" if is_page else "attachment"
    return Response(
        makers[form](), headers={"Content-Disposition": f'{kind}; filename="{name}.{form}"'}
    )


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
@method_decorator(csp_override(MAIL_CSP), name="dispatch")
class ReportScheduleViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ReportSchedule]
):
    """Reports by the clock, by name."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.REPORTS_WRITE
    queryset = ReportSchedule.objects.none()
    serializer_class = ReportScheduleSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("is_on",)
    cursor_ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Those that the actor may see, or change."""
        scope = scope_asked(self.request, self)
        rows = ReportSchedule.objects.visible_to(actor_of(self.request), scope)
        rows = rows.select_related("project", "created_by").prefetch_related("recipients__user")
        return in_project(self.request, rows)

    @extend_schema(
        request=ReportScheduleWriteSerializer,
        responses={201: ReportScheduleSerializer},
        parameters=[PROJECT],
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Schedule a report."""
        project = Project.objects.get(pk=project_id_for(request, Scope.REPORTS_WRITE))
        made = self._keep(ReportSchedule(project=project), request.data)
        return Response(self._told(made), status=status.HTTP_201_CREATED)

    @extend_schema(
        request=ReportScheduleWriteSerializer, responses=ReportScheduleSerializer, filters=False
    )
    def update(self, request: Request, public_id: str) -> Response:
        """Change all of it: what is left out is as it is for a new one."""
        return Response(self._told(self._keep(self.get_object(), request.data)))

    @extend_schema(
        request=ReportScheduleWriteSerializer(partial=True),
        responses=ReportScheduleSerializer,
        filters=False,
    )
    def partial_update(self, request: Request, public_id: str) -> Response:
        """Change what is named; the rest stays."""
        body = ReportScheduleWriteSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        with transaction.atomic():
            # The rest is as it is now, and stays so until all is saved.
            rows = self.get_queryset().select_for_update(of=("self",))
            found = get_object_or_404(rows, public_id=public_id)
            kept = self._keep(found, _as_written(found) | body.validated_data)
        return Response(self._told(kept))

    def destroy(self, request: Request, public_id: str) -> Response:
        """Forget it; what was sent stays."""
        delete_schedule(schedule=self.get_object(), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: ReportRunSerializer}, filters=False)
    @action(detail=True, methods=["post"], url_path="send-now", pagination_class=None)
    def send_now(self, request: Request, public_id: str) -> Response:
        """Have it made and sent at once; asked for twice within a minute, once."""
        run = send_now(schedule=self.get_object(), actor=actor_of(request))
        return Response(ReportRunSerializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        responses={(200, "application/json"): OpenApiTypes.OBJECT, **DOCUMENTS}, filters=False
    )
    @action(detail=True, pagination_class=None, renderer_classes=RENDERERS)
    def preview(self, request: Request, public_id: str) -> Response:
        """What it would say now; nothing is kept or sent."""
        report = preview_of(self.get_object())
        form = str(request.accepted_renderer.format)
        if form == JSONRenderer.format:
            return Response(report.as_document())
        return document(report, form, "report-preview")

    def _keep(self, schedule: ReportSchedule, data: Any) -> ReportSchedule:
        body = ReportScheduleWriteSerializer(data=data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        typed = {"addresses": "\n".join(said["addresses"]), "labels": ", ".join(said["labels"])}
        said = {"sections": ReportSection.values} | said | typed
        form = ReportScheduleForm(
            schedule.project, said, instance=schedule if schedule.pk else None
        )
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        return form.keep(actor_of(self.request))

    def _told(self, schedule: ReportSchedule) -> Any:
        fresh = self.get_queryset().get(pk=schedule.pk)
        return self.get_serializer(fresh).data


def _as_written(schedule: ReportSchedule) -> dict[str, Any]:
    """Return a schedule as somebody would write it."""
    people = [person for person in schedule.recipients.all() if not person.unsubscribed_at]
    names = (*ReportScheduleForm.Meta.fields, "services", "labels", "sections")
    return {name: getattr(schedule, name) for name in names} | {
        "members": [person.user.username for person in people if person.user],
        "addresses": [person.address for person in people if person.address],
    }


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]),
    retrieve=extend_schema(
        parameters=[PROJECT],
        responses={(200, "application/json"): ReportRunDetailSerializer, **DOCUMENTS},
    ),
)
@method_decorator(csp_override(MAIL_CSP), name="dispatch")
class ReportRunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ReportRun]):
    """What was sent, the last due first."""

    scope = Scope.BUILDS_READ
    queryset = ReportRun.objects.none()
    serializer_class = ReportRunSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("state",)
    cursor_ordering = ("-due_at", "-id")

    def get_queryset(self) -> Any:
        """Those that the actor may see; the list without what they said."""
        rows = ReportRun.objects.visible_to(actor_of(self.request))
        rows = rows.select_related("project", "schedule")
        rows = in_project(self.request, rows)
        return rows.without_data() if self.action == "list" else rows

    def get_renderers(self) -> list[BaseRenderer]:
        """One of them can be had in other forms."""
        return [made() for made in RENDERERS] if self.action == "retrieve" else [JSONRenderer()]

    def retrieve(self, request: Request, public_id: str) -> Response:
        """One report: as data, or as it was sent."""
        run = self.get_object()
        form = str(request.accepted_renderer.format)
        if form == JSONRenderer.format:
            return Response(ReportRunDetailSerializer(run, context={"request": request}).data)
        if run.report is None:
            raise ValidationError({"format": ["It is not made yet."]})
        return document(run.report, form, run.file_name)
