"""Base images for machines."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from bases.alternatives import compared
from bases.filters import BaseImageFilter
from bases.lines import lines_of
from bases.models import BaseImage
from bases.policies import PolicyForm
from bases.proposing import changes_of
from bases.serializers import (
    BaseImageSerializer,
    BasePolicySerializer,
    BaseProposalSerializer,
)
from bases.services import save_policy
from buildinsights.forms import errors_of
from builds.api import PROJECT


@extend_schema_view(list=extend_schema(parameters=[PROJECT]))
class BaseImageViewSet(GenericViewSet[BaseImage]):
    """Base images that services stand on, those seen last first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.POLICIES_WRITE
    queryset = BaseImage.objects.none()
    serializer_class = BaseImageSerializer
    filterset_class = BaseImageFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-last_seen_at", "-id")

    def get_queryset(self) -> Any:
        """Bases that the actor may see; in lists those that services stand on."""
        rows = BaseImage.objects.visible_to(actor_of(self.request)).told()
        rows = in_project(self.request, rows)
        return rows.standing() if self.action == "list" else rows

    def list(self, request: Request) -> Response:
        """Base images that services stand on, those seen last first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(
            BaseImageSerializer(lines_of(list(page or ())), many=True).data
        )

    @extend_schema(filters=False)
    def retrieve(self, request: Request, public_id: str) -> Response:
        """One base image, whether a service stands on it or not."""
        [line] = lines_of([self._image()])
        return Response(BaseImageSerializer(line).data)

    @extend_schema(responses=BaseProposalSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def proposals(self, request: Request, public_id: str) -> Response:
        """Changes of it, with a diff against the newest Dockerfile of each service."""
        image = self._image()
        changes = changes_of(image, compared(image))
        return Response(BaseProposalSerializer(changes, many=True).data)

    @extend_schema(responses=BasePolicySerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def policies(self, request: Request, public_id: str) -> Response:
        """Versions of the policy of its repository, the newest first."""
        rows = self._image().repository.policies.all()
        return Response(BasePolicySerializer(rows, many=True).data)

    @extend_schema(
        request=BasePolicySerializer, responses={201: BasePolicySerializer}, filters=False
    )
    @policies.mapping.post
    def write_policy(self, request: Request, public_id: str) -> Response:
        """Add a version of the policy of its repository."""
        actor = actor_of(request)
        rows = BaseImage.objects.visible_to(actor, Scope.POLICIES_WRITE).told()
        image = get_object_or_404(rows, public_id=public_id)
        body = BasePolicySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        form = PolicyForm(body.validated_data)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        made = save_policy(repository=image.repository, values=form.cleaned_data, actor=actor)
        return Response(BasePolicySerializer(made).data, status=status.HTTP_201_CREATED)

    def _image(self) -> BaseImage:
        found: BaseImage = get_object_or_404(
            self.get_queryset(), public_id=self.kwargs["public_id"]
        )
        return found
