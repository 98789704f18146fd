"""Who has a package, for machines."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.csv import GroupsAsCSV
from buildinsights.forms import errors_of
from builds.api import PROJECT
from sboms.forms import PackageSearch
from sboms.models import SbomPackage
from sboms.search import Found, find_versions, listings, undecided_of
from sboms.serializers import FoundSerializer, UndecidedSerializer

MOST_CSV_ROWS = 10_000

PARAMETERS = [
    OpenApiParameter(name, OpenApiTypes.STR, required=name == "name", description=text)
    for name, text in (
        ("name", "Of the package: log4j-core, log4j*, group:name, or a package URL."),
        ("ecosystem", "Type of package URLs: maven, npm, pypi, deb, …"),
        ("version", "Range: <2.17, or >=1.0 <2. Versions are ordered as their ecosystem does."),
        ("at", "Day, YYYY-MM-DD: images that were the newest at its end, in UTC. Now if empty."),
    )
]


class FoundAsCSV(GroupsAsCSV):
    """The images, a row each; at most 10 000."""

    key = "results"

    def rows(self, data: Mapping[str, Any], request: Request) -> Any:
        """Return the rows with their package beside them."""
        return [
            row["package"]
            | {name: row[name] for name in row if name != "package"}
            | {"licences": ", ".join(row["package"]["licences"])}
            for row in data[self.key]
        ]


class PackageViewSet(mixins.ListModelMixin, GenericViewSet[SbomPackage]):
    """Which images have a package: in use now, or at a date."""

    scope = Scope.BUILDS_READ
    queryset = SbomPackage.objects.none()
    serializer_class = FoundSerializer
    renderer_classes = (JSONRenderer, FoundAsCSV)
    cursor_ordering = ("pk",)

    @extend_schema(
        parameters=[PROJECT, *PARAMETERS],
        description="`undecided` lists versions that cannot be compared with the range.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Images with the package, by version of it; as CSV all of them."""
        form = PackageSearch(request.query_params)
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        query = form.query()
        found = find_versions(project_ids_of(request), query)
        answer = self._answer(found, query.at)
        answer.data["undecided"] = UndecidedSerializer(
            undecided_of(found, query.at), many=True
        ).data
        return answer

    def _answer(self, found: Found, at: Any) -> Response:
        rows = listings(found, at)
        if getattr(self.request.accepted_renderer, "format", "") == FoundAsCSV.format:
            rows = rows.order_by("pk")[:MOST_CSV_ROWS]
            return Response({"results": self.get_serializer(rows, many=True).data})
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def project_ids_of(request: Request) -> list[int]:
    """Return the projects that a request may read, or the one of them that it names."""
    projects = Project.objects.visible_to(actor_of(request), Scope.BUILDS_READ)
    slug = request.query_params.get("project")
    return list((projects.filter(slug=slug) if slug else projects).values_list("pk", flat=True))
