"""The ingest endpoints."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from pydantic import BaseModel
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.access import PROJECT, in_project, project_id_for
from accounts.authentication import actor_of
from accounts.roles import Scope
from ingest import bodies
from ingest.digest import digest_payload
from ingest.models import IngestPayload, PayloadKind
from ingest.parsers import (
    CycloneDXParser,
    InTotoParser,
    NdjsonParser,
    OpenVexParser,
    ReportParser,
    SarifParser,
    SpdxParser,
)
from ingest.schema import (
    NDJSON_HELP,
    SBOM_HELP,
    SBOM_PARAMETERS,
    TRIVY_HELP,
    TRIVY_PARAMETERS,
    VEX_HELP,
    VEX_PARAMETERS,
    UploadForm,
)
from ingest.schemas import parse_sbom_fields, parse_trivy_fields, parse_vex_fields
from ingest.serializers import AcceptedSerializer, BulkSerializer, ReceiptSerializer
from ingest.services import Accepted, accept_upload, dismiss_payload, replay_payload
from ingest.tasks import enqueue_digest
from ingest.uploads import Upload

PARAMETERS = [
    OpenApiParameter(
        "sync",
        OpenApiTypes.BOOL,
        description="Digest at once: 201 with builds, or 422 with errors.",
    ),
    OpenApiParameter(
        "project", OpenApiTypes.STR, description="Slug; needed if you may send to several projects."
    ),
    OpenApiParameter(
        "Idempotency-Key",
        OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        description="The same key with other bytes is refused with 409.",
    ),
]


SYNC_CODES: dict[str, int] = {
    IngestPayload.State.DONE: status.HTTP_201_CREATED,
    IngestPayload.State.FAILED: status.HTTP_422_UNPROCESSABLE_ENTITY,
}
"""Else 202: a worker has it, or will."""


class IngestView(APIView):
    """What comes in is stored as it came, and answered with a receipt."""

    scope = Scope.INGEST_WRITE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, then the size of the body, before anything is read."""
        super().initial(request, *args, **kwargs)
        bodies.check_length(request)
        bodies.decode_content_encoding(request)

    def accepted(self, request: Request, project_id: int, upload: Upload) -> Response:
        """Store an upload, and digest it at once if that is asked for."""
        accepted = accept_upload(
            project_id=project_id,
            actor=actor_of(request),
            upload=upload,
            idempotency_key=bodies.idempotency_key(request),
        )
        if request.query_params.get("sync", "").lower() in {"1", "true"}:
            return _digested_now(request, accepted)
        _enqueue(accepted)
        return Response(_receipt(request, accepted), status=status.HTTP_202_ACCEPTED)


class BuildKitIngestView(IngestView):
    """Take what BuildKit emits."""

    parser_classes = [MultiPartParser, NdjsonParser]

    @extend_schema(
        operation_id="ingest_buildkit",
        parameters=PARAMETERS,
        request={"multipart/form-data": UploadForm, "application/x-ndjson": OpenApiTypes.BINARY},
        responses={
            202: AcceptedSerializer,
            201: ReceiptSerializer,
            422: ReceiptSerializer,
            207: BulkSerializer,
        },
        description=NDJSON_HELP,
    )
    def post(self, request: Request) -> Response:
        """Accept one build (multipart) or many (NDJSON)."""
        project_id = project_id_for(request)
        if isinstance(request.data, bytes):
            return self._bulk(request, project_id, request.data)
        upload = bodies.form_upload(PayloadKind.BUILDKIT, request.data)
        return self.accepted(request, project_id, upload)

    def _bulk(self, request: Request, project_id: int, body: bytes) -> Response:
        """Answer for each line; 202 if all were accepted, else 207."""
        results: list[dict[str, Any]] = []
        for line in bodies.ndjson_uploads(PayloadKind.BUILDKIT, body):
            if line.upload is None:
                errors = [
                    {"path": path, "message": str(messages[0])}
                    for path, messages in line.errors.items()
                ]
                results.append({"line": line.number, "errors": errors})
            else:
                accepted = accept_upload(
                    project_id=project_id, actor=actor_of(request), upload=line.upload
                )
                _enqueue(accepted)
                results.append({"line": line.number, **_receipt(request, accepted)})
        if not results:
            raise ValidationError({"body": ["There is no line in it."]})
        mixed = any("errors" in item for item in results)
        code = status.HTTP_207_MULTI_STATUS if mixed else status.HTTP_202_ACCEPTED
        return Response({"results": results}, status=code)


class DocumentIngestView(IngestView):
    """Take one document as the body; what it is about is said in the address."""

    kind: PayloadKind
    parse_fields: Callable[[Mapping[str, object]], BaseModel]

    def post(self, request: Request) -> Response:
        """Accept one document."""
        project_id = project_id_for(request)
        upload = bodies.body_upload(
            self.kind, self.parse_fields, request.query_params, request.data
        )
        return self.accepted(request, project_id, upload)


def _documented(
    name: str, parameters: Sequence[OpenApiParameter], description: str
) -> Callable[[type[DocumentIngestView]], type[DocumentIngestView]]:
    """Say in the schema what a view of documents takes."""

    def decorate(view: type[DocumentIngestView]) -> type[DocumentIngestView]:
        post = extend_schema(
            operation_id=f"ingest_{name}",
            parameters=[*PARAMETERS, *parameters],
            request={parser.media_type: OpenApiTypes.OBJECT for parser in view.parser_classes},
            responses={202: AcceptedSerializer, 201: ReceiptSerializer, 422: ReceiptSerializer},
            description=description,
        )
        return extend_schema_view(post=post)(view)

    return decorate


@_documented("trivy", TRIVY_PARAMETERS, TRIVY_HELP)
class TrivyIngestView(DocumentIngestView):
    """Take a scanner's report: Trivy's JSON, or SARIF or CycloneDX as Trivy writes them."""

    kind = PayloadKind.TRIVY
    parse_fields = staticmethod(parse_trivy_fields)
    parser_classes = [ReportParser, SarifParser, CycloneDXParser]


@_documented("sbom", SBOM_PARAMETERS, SBOM_HELP)
class SbomIngestView(DocumentIngestView):
    """Take a bill of materials: SPDX or CycloneDX, alone or in an attestation."""

    kind = PayloadKind.SBOM
    parse_fields = staticmethod(parse_sbom_fields)
    parser_classes = [ReportParser, SpdxParser, CycloneDXParser, InTotoParser]


@_documented("vex", VEX_PARAMETERS, VEX_HELP)
class VexIngestView(DocumentIngestView):
    """Take statements about vulnerabilities: OpenVEX or CycloneDX VEX."""

    kind = PayloadKind.VEX
    parse_fields = staticmethod(parse_vex_fields)
    parser_classes = [ReportParser, OpenVexParser, CycloneDXParser]


def _enqueue(accepted: Accepted) -> None:
    if not accepted.duplicate:
        enqueue_digest(accepted.payload)


def _receipt(request: Request, accepted: Accepted) -> dict[str, Any]:
    receipt = accepted.payload.public_id
    return {
        "receipt": str(receipt),
        "status_url": reverse("api:receipt-detail", args=[receipt], request=request),
        "duplicate": accepted.duplicate,
    }


def _digested_now(request: Request, accepted: Accepted) -> Response:
    payload = accepted.payload
    if payload.state == IngestPayload.State.RECEIVED:
        payload = digest_payload(payload.pk) or payload
    serializer = ReceiptSerializer(
        payload, context={"request": request, "duplicate": accepted.duplicate}
    )
    return Response(serializer.data, status=SYNC_CODES.get(payload.state, status.HTTP_202_ACCEPTED))


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class ReceiptViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[IngestPayload]
):
    """Receipts of uploads."""

    scope = (Scope.INGEST_READ, Scope.INGEST_WRITE)
    write_scope = Scope.INGEST_REPLAY
    queryset = IngestPayload.objects.none()
    serializer_class = ReceiptSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ("state", "kind")
    cursor_ordering = ("-received_at", "-id")

    def get_queryset(self) -> Any:
        """Receipts that the actor may read, of all projects or of the one named."""
        payloads = IngestPayload.objects.visible_to(actor_of(self.request))
        return in_project(self.request, payloads.without_body().with_builds())

    @extend_schema(request=None, responses={202: ReceiptSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, public_id: str) -> Response:
        """Digest a failed payload again."""
        payload = self._writable(public_id)
        replay_payload(payload=payload, actor=actor_of(request))
        enqueue_digest(payload)
        payload.refresh_from_db(fields=["state", "errors"])
        return Response(self.get_serializer(payload).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: ReceiptSerializer})
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, public_id: str) -> Response:
        """Take a failed payload off the list of what waits for somebody."""
        payload = self._writable(public_id)
        dismiss_payload(payload=payload, actor=actor_of(request))
        return Response(self.get_serializer(payload).data)

    def _writable(self, public_id: str) -> IngestPayload:
        payloads = IngestPayload.objects.replayable_by(actor_of(self.request)).without_body()
        return get_object_or_404(payloads.select_related("project"), public_id=public_id)
