"""Updates of bases for machines: asked for, followed, and taken as a patch."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from bases.filters import BaseUpdateFilter
from bases.models import BaseImage, BaseUpdate
from bases.serializers import (
    BaseUpdateAskedSerializer,
    BaseUpdateDetailSerializer,
    BaseUpdateSerializer,
)
from bases.updating import patch_headers, try_update
from builds.api import PROJECT
from builds.models import Service


class PatchText(BaseRenderer):
    """A patch as it is."""

    media_type = "text/plain"
    format = "patch"
    charset = "utf-8"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Return it; an error in words."""
        return str(data).encode()


@extend_schema_view(list=extend_schema(parameters=[PROJECT]))
class BaseUpdateViewSet(GenericViewSet[BaseUpdate]):
    """Updates of bases that the server was asked to try, the newest first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.BUILDS_TRIGGER
    queryset = BaseUpdate.objects.none()
    serializer_class = BaseUpdateSerializer
    filterset_class = BaseUpdateFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-request_id",)

    def get_queryset(self) -> Any:
        """Updates that the actor may see."""
        rows = BaseUpdate.objects.visible_to(actor_of(self.request)).told()
        return in_project(self.request, rows, "request__project")

    def list(self, request: Request) -> Response:
        """Updates, the newest first; what was said is told of each alone."""
        rows = self.filter_queryset(self.get_queryset()).defer("request__said")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(BaseUpdateSerializer(page, many=True).data)

    @extend_schema(responses=BaseUpdateDetailSerializer, filters=False)
    def retrieve(self, request: Request, public_id: str) -> Response:
        """One update, with the end of what its command said."""
        return Response(BaseUpdateDetailSerializer(self._update()).data)

    @extend_schema(
        request=BaseUpdateAskedSerializer,
        responses={201: BaseUpdateDetailSerializer},
        filters=False,
    )
    def create(self, request: Request) -> Response:
        """Try another base; an equal update that is still queued is the answer."""
        body = BaseUpdateAskedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, actor = body.validated_data, actor_of(request)
        images = BaseImage.objects.visible_to(actor, Scope.BUILDS_TRIGGER).told()
        image = images.filter(public_id=asked["base_image"]).first()
        if image is None:
            raise ValidationError({"base_image": ["There is no such base image."]})
        services = Service.objects.filter(project=image.project_id, slug=asked["service"])
        service = services.select_related("project").first()
        if service is None:
            raise ValidationError({"service": ["There is no such service."]})
        made = try_update(image=image, service=service, to=asked["to"], actor=actor)
        found = BaseUpdate.objects.told().get(pk=made.pk)
        return Response(BaseUpdateDetailSerializer(found).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR}, filters=False)
    @action(
        detail=True,
        url_path="patch",
        pagination_class=None,
        renderer_classes=(PatchText, JSONRenderer),
    )
    def patch_file(self, request: Request, public_id: str) -> Response:
        """Return its patch for `git apply`; 404 without one."""
        update = self._update()
        if not update.patch:
            raise Http404
        return Response(update.patch, headers=patch_headers(update))

    def _update(self) -> BaseUpdate:
        found: BaseUpdate = get_object_or_404(
            self.get_queryset(), request__build__public_id=self.kwargs["public_id"]
        )
        return found
