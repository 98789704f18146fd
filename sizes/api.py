"""Sizes and images for machines."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from buildinsights.forms import errors_of
from builds.api import PROJECT
from cache.csv import GroupsAsCSV
from sizes.growth import DAYS, SizesForm
from sizes.serializers import SizesSerializer
from sizes.sizes_page import told_sizes
from trends.api import TrendServiceViewSet


class ChangesAsCSV(GroupsAsCSV):
    """The changes alone."""

    key = "changes"


class SizedServiceViewSet(TrendServiceViewSet):
    """Services."""

    @extend_schema(
        responses=SizesSerializer,
        parameters=[
            PROJECT,
            OpenApiParameter("group", int, description="Number of a group; 0 was built last."),
            OpenApiParameter("days", int, enum=[days for days, _ in DAYS], description="Period."),
        ],
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, ChangesAsCSV],
    )
    def sizes(self, request: Request, slug: str) -> Response:
        """What each instruction adds to images and what made it grow; as CSV the changes."""
        form = SizesForm(self.get_object(), request.query_params.dict())
        if form.newest and not form.is_valid():
            raise ValidationError(errors_of(form))
        return Response(SizesSerializer(told_sizes(form)).data)
