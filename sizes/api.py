"""Sizes and images for machines."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project
from accounts.authentication import actor_of
from accounts.roles import Scope
from buildinsights.csv import ChosenAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from builds.models import Image, Service
from sizes.growth import DAYS, SizesForm
from sizes.image_page import image_page
from sizes.images_page import line_of, newest_images
from sizes.models import InstructionSize, SizedImage
from sizes.serializers import ImageLineSerializer, ImageSerializer, SizesSerializer
from sizes.sizes_page import told_sizes
from trends.api import TrendServiceViewSet


class SizesAsCSV(ChosenAsCSV):
    """The changes, or the days that the chart shows."""

    tables = ("changes", "days")


class SizedServiceViewSet(TrendServiceViewSet):
    """Services."""

    @extend_schema(
        responses=SizesSerializer,
        parameters=[
            PROJECT,
            OpenApiParameter("group", int, description="Number of a group; 0 was built last."),
            OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period."),
            SizesAsCSV.parameter(),
        ],
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, SizesAsCSV],
    )
    def sizes(self, request: Request, slug: str) -> Response:
        """What each instruction adds to images and what made it grow; as CSV changes or days."""
        SizesAsCSV.asked(request)
        form = SizesForm(self.get_object(), request.query_params.dict())
        if form.newest and not form.is_valid():
            raise ValidationError(errors_of(form))
        return Response(SizesSerializer(told_sizes(form)).data)


@extend_schema_view(
    list=extend_schema(responses=ImageLineSerializer(many=True), parameters=[PROJECT]),
    retrieve=extend_schema(responses=ImageSerializer, parameters=[PROJECT]),
)
class ImageViewSet(GenericViewSet[Image]):
    """Images."""

    scope = Scope.BUILDS_READ
    queryset = Image.objects.none()
    lookup_field = "digest"
    lookup_value_converter = "str"
    cursor_ordering = ("-at", "-id")

    def list(self, request: Request) -> Response:
        """The newest image of each service, target, variant and platform, the last built first."""
        visible = Service.objects.visible_to(actor_of(request), self.scope)
        stairs = InstructionSize.objects.filter(service__in=in_project(request, visible)).standing()
        found = newest_images(SizedImage.objects.newest_of(stairs))
        page = self.paginate_queryset(found) or []
        rows = ImageLineSerializer([line_of(row) for row in page], many=True)
        return self.get_paginated_response(rows.data)

    def retrieve(self, request: Request, digest: str) -> Response:
        """One image; a digest that two projects have needs ``?project=``."""
        visible = in_project(request, Image.objects.visible_to(actor_of(request), self.scope))
        found = list(visible.filter(digest=digest).select_related("project", "contents")[:2])
        if not found:
            raise NotFound
        if len(found) > 1:
            raise ValidationError({"project": ["Several projects have this image: name one."]})
        return Response(ImageSerializer(image_page(found[0])).data)
