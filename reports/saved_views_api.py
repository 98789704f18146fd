"""Saved views for machines that act for a person who signed in."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.models import Project, User
from accounts.roles import Scope
from builds.api import PROJECT
from reports.models import LONGEST_PATH, SavedView
from reports.services import delete_view, save_view, share_view, unshare_view


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """A page of a project under a name; ``link`` is by which other members open it, or null."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)  # type: ignore[var-annotated]
    page = serializers.CharField(
        source="path", max_length=LONGEST_PATH, help_text="Path and query on this site."
    )
    link = serializers.SerializerMethodField()

    class Meta:
        model = SavedView
        fields = ("id", "project", "name", "page", "link", "shared_at", "created_at")
        read_only_fields = ("shared_at", "created_at")

    def get_link(self, view: SavedView) -> str | None:
        """Return the whole address."""
        if view.token is None:
            return None
        args = [view.project.slug, view.token]
        return reverse("reports:view-shared", args=args, request=self.context.get("request"))


class SavedViewViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[SavedView]):
    """The views of the person who asks, by name; API tokens have none."""

    scope = Scope.BUILDS_READ
    queryset = SavedView.objects.none()
    serializer_class = SavedViewSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    pagination_class = None

    def get_queryset(self) -> Any:
        """Views of projects that the person may read."""
        views = SavedView.objects.of(self._user()).select_related("project", "user")
        return in_project(self.request, views)

    @extend_schema(parameters=[PROJECT], filters=False)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All of them: a person has a hundred at most."""
        return super().list(request, *args, **kwargs)

    @extend_schema(parameters=[PROJECT], filters=False)
    def create(self, request: Request) -> Response:
        """Save a page of a project."""
        user = self._user()
        project = Project.objects.get(pk=project_id_for(request, Scope.BUILDS_READ))
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        name, page = body.validated_data["name"], body.validated_data["path"]
        view = save_view(project=project, user=user, name=name, page=page)
        return Response(self.get_serializer(view).data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, view: SavedView) -> None:
        """Forget it; a link to it leads nowhere then."""
        delete_view(view=view)

    @extend_schema(request=None, filters=False)
    @action(detail=True, methods=["post"])
    def share(self, request: Request, public_id: str) -> Response:
        """Give it a link for members of the project."""
        return Response(self.get_serializer(share_view(view=self.get_object())).data)

    @extend_schema(request=None, filters=False)
    @action(detail=True, methods=["post"])
    def unshare(self, request: Request, public_id: str) -> Response:
        """Take the link back."""
        return Response(self.get_serializer(unshare_view(view=self.get_object())).data)

    def _user(self) -> User:
        user = self.request.user
        if not isinstance(user, User):
            raise PermissionDenied("Views belong to people: sign in.")
        return user
