"""Trust policies and verifications for machines."""

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildkit.registry import Reference
from builds.api import PROJECT
from trust.filters import VerificationFilter
from trust.models import TrustPolicyVersion, Verification
from trust.own import ask_verification
from trust.serializers import (
    SavePolicySerializer,
    SendVerificationSerializer,
    TrustPolicySerializer,
    VerificationSerializer,
)
from trust.services import Result, named, record_verification, save_policy
from trust.tasks import verify_waiting


class TrustPolicyViewSet(mixins.ListModelMixin, GenericViewSet[TrustPolicyVersion]):
    """Trust policies, each as its newest version has it; a CI job that sends may read them, too."""

    scope = (Scope.BUILDS_READ, Scope.INGEST_WRITE)
    write_scope = Scope.POLICIES_WRITE
    queryset = TrustPolicyVersion.objects.none()
    serializer_class = TrustPolicySerializer
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Policies that the actor may see, of an environment if one is named."""
        query, actor = self.request.query_params, actor_of(self.request)
        rows = TrustPolicyVersion.objects.visible_to(actor)
        rows |= TrustPolicyVersion.objects.visible_to(actor, Scope.INGEST_WRITE)
        rows = rows.holding().told()
        if slug := query.get("project"):
            rows = rows.filter(policy__project__slug=slug)
        if name := query.get("environment"):
            rows = rows.of_environment(name)
        return rows

    @extend_schema(
        parameters=[PROJECT, OpenApiParameter("environment", str, description="That it names.")]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Policies, those that were changed last first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        parameters=[PROJECT],
        request=SavePolicySerializer,
        responses={200: TrustPolicySerializer, 201: TrustPolicySerializer},
    )
    def create(self, request: Request) -> Response:
        """Keep a document as a policy's new version; 200 if it is what holds already."""
        project = Project.objects.get(pk=project_id_for(request, Scope.POLICIES_WRITE))
        asked = SavePolicySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made, is_new = save_policy(
            project=project,
            name=asked.validated_data["name"],
            document=asked.validated_data["document"],
            policy=asked.policy,
            actor=actor_of(request),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(TrustPolicySerializer(made).data, status=code)


class VerificationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Verification]
):
    """Verifications, the newest first; none is ever changed."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.INGEST_WRITE
    queryset = Verification.objects.none()
    serializer_class = VerificationSerializer
    filterset_class = VerificationFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-verified_at", "-id")

    def get_queryset(self) -> Any:
        """Verifications that the actor may see."""
        rows = Verification.objects.visible_to(actor_of(self.request)).told()
        return in_project(self.request, rows)

    @extend_schema(parameters=[PROJECT])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Verifications, the newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        parameters=[PROJECT],
        filters=False,
        request=SendVerificationSerializer,
        responses={
            200: VerificationSerializer,
            201: VerificationSerializer,
            202: OpenApiResponse(description="The server verifies it: `id` is known when done."),
        },
    )
    def create(self, request: Request) -> Response:
        """Keep a result; or without one, have the server verify the image."""
        project = Project.objects.get(pk=project_id_for(request))
        asked = SendVerificationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        if said["passed"] is None:
            made = ask_verification(
                project=project,
                reference=_reference(said),
                environment=said["environment"],
                actor=actor_of(request),
            )
            verify_waiting.delay_on_commit()  # type: ignore[attr-defined]  # Celery's DjangoTask
            return Response({"id": str(made.public_id)}, status=status.HTTP_202_ACCEPTED)
        kept, is_new = record_verification(
            project=project,
            result=_result(said),
            reported_by=actor_of(request).actor_name,
            public_id=said.get("id") or uuid.uuid4(),
            policy_version=_policy_version(project, said),
            actor=actor_of(request),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(VerificationSerializer(kept).data, status=code)


def _reference(said: dict[str, Any]) -> Reference:
    """Return the image with its digest, wherever it is said."""
    reference = Reference.parse(said["image"])
    digest = said.get("digest") or reference.digest
    return Reference(reference.host, reference.repository, reference.tag, digest)


def _result(said: dict[str, Any]) -> Result:
    reference = _reference(said)
    return Result(
        image_name=named(reference),
        digest=reference.digest,
        environment=said["environment"],
        reasons=[dict(reason) for reason in said.get("reasons", ())],
        verified_at=said.get("verified_at") or timezone.now(),
        facts=said.get("facts", {}),
        inputs=said.get("inputs", {}),
    )


def _policy_version(project: Project, said: dict[str, Any]) -> TrustPolicyVersion | None:
    """Return the server's policy that it was held against, if it was one."""
    if "policy" not in said:
        return None
    rows = TrustPolicyVersion.objects.filter(policy__project=project, policy__name=said["policy"])
    found = rows.filter(number=said.get("policy_version", 0)).first()
    if found is None:
        raise ValidationError({"policy_version": ["The project has no such version."]})
    return found
