"""The audit trail for machines: events, checkpoints, keys, exports."""

from collections.abc import Callable, Iterator
from typing import Any

import structlog
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import actor_of
from accounts.roles import Scope
from audit.models import AuditEvent, Checkpoint, SigningKey
from audit.services import chain_name
from audit.signing import SigningKeyError, as_pem
from buildinsights.exceptions import DomainError
from buildinsights.forms import errors_of
from builds.api import PROJECT
from evidence.access import SERVER, chain_in_api, events_of, note_view
from evidence.exports.archive import archive_of
from evidence.exports.document import document_of
from evidence.exports.proof import proof_of
from evidence.exports.selection import Selection, begin_export
from evidence.exports.table import table_of
from evidence.filters import TrailFilter

log = structlog.get_logger(__name__)

CHAIN = OpenApiParameter(
    "chain",
    str,
    description=(
        f"`{SERVER}`, or the id of a project, also of one that was deleted; for superusers."
    ),
)

type Written = Iterator[bytes] | Iterator[str]
FORMATS: dict[str, tuple[str, Callable[[Selection], Written]]] = {
    "jsonl": ("application/x-ndjson", proof_of),
    "csv": ("text/csv; charset=utf-8", table_of),
    "pdf": ("application/pdf", lambda selection: iter([document_of(selection)])),
    "zip": ("application/zip", archive_of),
}


class NoSigningKeyError(DomainError):
    """The key that is named cannot be used."""

    code = "no_signing_key"
    message = (
        "The server cannot sign the export: its signing key cannot be read, or was replaced by"
        " a newer one. Its log says which."
    )


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """An act; `changes` are values, or of two `[before, after]`."""

    address = serializers.IPAddressField(source="ip", allow_null=True)
    changes = serializers.DictField()

    class Meta:
        model = AuditEvent
        fields = (
            "sequence",
            "occurred_at",
            "actor_type",
            "actor_name",
            "action",
            "target_type",
            "target_id",
            "target_repr",
            "address",
            "request_id",
            "changes",
            "prev_hash",
            "hash",
        )
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT, CHAIN]),
    retrieve=extend_schema(parameters=[PROJECT, CHAIN]),
)
class AuditViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[AuditEvent]):
    """The trail of a project, the newest first."""

    scope = Scope.AUDIT_READ
    queryset = AuditEvent.objects.none()
    serializer_class = AuditEventSerializer
    filterset_class = TrailFilter
    lookup_field = "sequence"
    lookup_value_converter = "int"
    cursor_ordering = ("-sequence",)

    def get_queryset(self) -> Any:
        """Events of the chain, which is noted in it."""
        project = chain_in_api(self.request)
        note_view(actor_of(self.request), project)
        return events_of(project)


class CheckpointSerializer(serializers.ModelSerializer[Checkpoint]):
    """A checkpoint: `document` is what is signed, as JSON with sorted keys and without spaces."""

    document = serializers.DictField()

    class Meta:
        model = Checkpoint
        fields = ("number", "sequence", "made_at", "key_id", "document", "signature")
        read_only_fields = fields


@extend_schema_view(list=extend_schema(parameters=[PROJECT, CHAIN]))
class CheckpointViewSet(mixins.ListModelMixin, GenericViewSet[Checkpoint]):
    """Checkpoints of a chain, the newest first."""

    scope = Scope.AUDIT_READ
    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    filter_backends = ()
    cursor_ordering = ("-number",)

    def get_queryset(self) -> Any:
        """Checkpoints of the chain."""
        return Checkpoint.objects.filter(chain=chain_name(chain_in_api(self.request)))


class SigningKeySerializer(serializers.ModelSerializer[SigningKey]):
    """A public key; `key_id` is its fingerprint, `previous` the key that it vouches for."""

    public_key_pem = serializers.SerializerMethodField()
    first_used_at = serializers.DateTimeField(source="made_at")

    class Meta:
        model = SigningKey
        fields = ("key_id", "public_key_pem", "previous", "first_used_at", "signature")
        read_only_fields = fields

    def get_public_key_pem(self, key: SigningKey) -> str:
        """As other tools read it."""
        return as_pem(key.public_key)


class KeysView(APIView):
    """Public keys that checkpoints are signed with."""

    scope = Scope.AUDIT_READ

    @extend_schema(operation_id="audit_keys_list", responses=SigningKeySerializer(many=True))
    def get(self, request: Request) -> Response:
        """All keys, those of before too, the oldest first."""
        rows = SigningKey.objects.oldest_first()
        return Response(SigningKeySerializer(rows, many=True).data)


class AnyType(BaseContentNegotiation):
    """The address says what is wanted, whatever else a program says that it takes."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        """Take the first; only errors are rendered."""
        return renderers[0], renderers[0].media_type


class ExportView(APIView):
    """The trail as a file."""

    scope = Scope.AUDIT_READ
    content_negotiation_class = AnyType

    @extend_schema(
        operation_id="audit_export_retrieve",
        parameters=[
            PROJECT,
            CHAIN,
            OpenApiParameter("as", str, enum=list(FORMATS), description="`zip` if not said."),
            *(OpenApiParameter(name, str) for name in TrailFilter.base_filters),
        ],
        responses={
            (200, kind.partition(";")[0]): OpenApiTypes.BINARY for kind, _ in FORMATS.values()
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The trail up to now: `zip` and `jsonl` to be proved, `csv` and `pdf` to be read."""
        form = request.query_params.get("as", "zip")
        if form not in FORMATS:
            raise ValidationError({"as": [f"Must be one of {', '.join(FORMATS)}."]})
        project = chain_in_api(request)
        filters = TrailFilter(request.query_params, queryset=events_of(project))
        if not filters.is_valid():
            raise ValidationError(errors_of(filters.form))
        try:
            selection = begin_export(
                project=project, filters=filters, actor=actor_of(request), form=form
            )
        except SigningKeyError as problem:
            log.warning("audit_export_refused", why=str(problem))
            raise NoSigningKeyError from problem
        content_type, write = FORMATS[form]
        name = f"audit-{project.slug if project else SERVER}-{selection.made_at:%Y%m%dT%H%M%SZ}"
        return StreamingHttpResponse(
            write(selection),
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
        )
