"""Receipts on the wire."""

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from ingest.models import IngestPayload
from sboms.models import Sbom
from security.models import Scan, VexDocument


class ErrorItemSerializer(serializers.Serializer[Any]):
    """One thing that is wrong, and where."""

    path = serializers.CharField()
    message = serializers.CharField()


class MadeSerializer(serializers.Serializer[Any]):
    """Something made from a payload."""

    id = serializers.UUIDField()
    url = serializers.URLField(help_text="In this API.")
    html_url = serializers.URLField(help_text="The page for people.")


class ReceiptSerializer(serializers.ModelSerializer[IngestPayload]):
    """What became of a payload. ``duplicate``: these bytes had come before."""

    receipt = serializers.UUIDField(source="public_id", read_only=True)
    status_url = serializers.SerializerMethodField()
    duplicate = serializers.SerializerMethodField()
    errors = ErrorItemSerializer(many=True, read_only=True)  # type: ignore[assignment]
    builds = serializers.SerializerMethodField()
    scans = serializers.SerializerMethodField()
    documents = serializers.SerializerMethodField()
    sboms = serializers.SerializerMethodField()

    class Meta:
        model = IngestPayload
        fields = (
            "receipt",
            "status_url",
            "duplicate",
            "state",
            "kind",
            "received_at",
            "digested_at",
            "errors",
            "builds",
            "scans",
            "documents",
            "sboms",
        )

    def get_status_url(self, payload: IngestPayload) -> str:
        """Where to ask again."""
        return reverse(
            "api:receipt-detail", args=[payload.public_id], request=self.context["request"]
        )

    def get_duplicate(self, payload: IngestPayload) -> bool:
        """Whether the same bytes had come before this request."""
        return bool(self.context.get("duplicate", False))

    def get_builds(self, payload: IngestPayload) -> list[dict[str, str]]:
        """Builds that the payload told of."""
        return made_builds(payload, self.context["request"])

    def get_scans(self, payload: IngestPayload) -> list[dict[str, str]]:
        """The scan that the payload holds the report of."""
        return made_scans(payload, self.context["request"])

    def get_documents(self, payload: IngestPayload) -> list[dict[str, str]]:
        """The document of statements that the payload holds."""
        return made_documents(payload, self.context["request"])

    def get_sboms(self, payload: IngestPayload) -> list[dict[str, str]]:
        """The bill of materials that the payload holds."""
        return made_sboms(payload, self.context["request"])


def made_builds(payload: IngestPayload, request: Any) -> list[dict[str, str]]:
    """Return id and addresses of a settled payload's builds, in the order they were written."""
    if payload.state != IngestPayload.State.DONE:
        return []
    links = sorted(payload.build_links.all(), key=lambda link: link.pk)
    made = [(link.build.public_id, link.build.project.slug) for link in links]
    return [
        {
            "id": str(public_id),
            "url": reverse("api:build-detail", args=[public_id], request=request),
            "html_url": reverse("builds:detail", args=[slug, public_id], request=request),
        }
        for public_id, slug in made
    ]


def made_scans(payload: IngestPayload, request: Any) -> list[dict[str, str]]:
    """Return id and addresses of a settled payload's scan."""
    link = getattr(payload, "scan_link", None)
    return _made(payload, link and link.scan, "api:scan-detail", request)


def made_documents(payload: IngestPayload, request: Any) -> list[dict[str, str]]:
    """Return id and addresses of a settled payload's document."""
    link = getattr(payload, "document_link", None)
    return _made(payload, link and link.document, "api:vex-document-detail", request)


def made_sboms(payload: IngestPayload, request: Any) -> list[dict[str, str]]:
    """Return id and addresses of a settled payload's bill of materials."""
    link = getattr(payload, "sbom_link", None)
    return _made(payload, link and link.sbom, "api:sbom-detail", request)


def _made(
    payload: IngestPayload, found: Scan | Sbom | VexDocument | None, name: str, request: Any
) -> list[dict[str, str]]:
    if payload.state != IngestPayload.State.DONE or found is None:
        return []
    return [
        {
            "id": str(found.public_id),
            "url": reverse(name, args=[found.public_id], request=request),
            "html_url": request.build_absolute_uri(found.get_absolute_url()),
        }
    ]


class BulkItemSerializer(serializers.Serializer[Any]):
    """What became of one line: a receipt, or errors."""

    line = serializers.IntegerField()
    receipt = serializers.UUIDField(required=False)
    status_url = serializers.URLField(required=False)
    duplicate = serializers.BooleanField(required=False)
    errors = ErrorItemSerializer(many=True, required=False)  # type: ignore[assignment]


class BulkSerializer(serializers.Serializer[Any]):
    """The answer to a bulk upload, one item a line of the body."""

    results = BulkItemSerializer(many=True)


class AcceptedSerializer(serializers.Serializer[Any]):
    """The answer to an accepted upload."""

    receipt = serializers.UUIDField()
    status_url = serializers.URLField()
    duplicate = serializers.BooleanField()
