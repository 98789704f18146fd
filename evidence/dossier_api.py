"""Dossiers of images for machines."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access import project_id_for
from accounts.authentication import actor_of
from accounts.models import ApiToken, User
from accounts.roles import Scope
from audit.services import record_soon
from builds.api import PROJECT
from builds.models import Image
from evidence.dossier.collecting import Dossier, collect
from evidence.dossier.exports import archive_of, as_json, as_pdf
from evidence.trail_api import AnyType
from ingest.models import IngestPayload

KINDS = {"json": "application/json", "pdf": "application/pdf", "zip": "application/zip"}


class DossierView(APIView):
    """All that is known of an image."""

    scope = Scope.BUILDS_READ
    content_negotiation_class = AnyType

    @extend_schema(
        operation_id="images_dossier",
        parameters=[
            PROJECT,
            OpenApiParameter("as", str, enum=list(KINDS), description="`json` if not said."),
        ],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, "application/zip"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, digest: str) -> HttpResponseBase:
        """Who built an image, from what, and what was said about it.

        Events of the audit trail need `audit:read`, documents in the ZIP `ingest:read`.
        """
        form = request.query_params.get("as", "json")
        if form not in KINDS:
            raise ValidationError({"as": [f"Must be one of {', '.join(KINDS)}."]})
        images = Image.objects.filter(project=project_id_for(request, self.scope))
        image = get_object_or_404(images.select_related("project"), digest=digest)
        actor = actor_of(request)
        dossier = dossier_of(image, actor)
        record_soon(
            actor=actor,
            action="dossier.exported",
            target=image,
            project=image.project,
            changes={"digest": digest, "format": form},
        )
        name = f"dossier-{digest.removeprefix('sha256:')[:12]}.{form}"
        return StreamingHttpResponse(
            _written(form, dossier, image, actor),
            content_type=KINDS[form],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def dossier_of(image: Image, actor: ApiToken | User) -> Dossier:
    """Return what the actor may see of an image."""
    return collect(
        image, made_by=actor.actor_name, with_trail=_holds(actor, image, Scope.AUDIT_READ)
    )


def _holds(actor: ApiToken | User, image: Image, scope: Scope) -> bool:
    return image.project_id in actor.project_ids_with(scope)


def _written(form: str, dossier: Dossier, image: Image, actor: ApiToken | User) -> Iterator[Any]:
    if form == "json":
        return iter([as_json(dossier)])
    if form == "pdf":
        return iter([as_pdf(dossier)])
    receipts = [row["receipt"] for row in dossier.documents]
    kept = IngestPayload.objects.filter(project=image.project, public_id__in=receipts)
    if not _holds(actor, image, Scope.INGEST_READ):
        kept = kept.none()
    return archive_of(dossier, kept.iterator(1))
