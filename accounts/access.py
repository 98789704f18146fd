"""Which project a page or a request is of, and whether whoever asks may see it."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope

PROJECT = OpenApiParameter("project", str, description="Slug of one of your projects.")
"""How operations of the API name it."""


def get_project(
    request: HttpRequest, project_slug: str, scope: Scope = Scope.BUILDS_READ
) -> Project:
    """Return the project, or raise 404 as if it were not there when ``scope`` is missing."""
    return get_object_or_404(
        Project.objects.visible_to(actor_of(request), scope), slug=project_slug
    )


def scopes_in(request: HttpRequest, project: Project) -> set[str]:
    """Return what the person may do in the project, for pages to show or hide controls."""
    actor = actor_of(request)
    return {scope.value for scope in Scope if project.pk in actor.project_ids_with(scope)}


def in_project(request: Request, rows: Any, path: str = "project") -> Any:
    """Narrow rows to the project that a request of the API names, if it names one.

    ``path`` leads from a row to its project.
    """
    slug = request.query_params.get("project")
    return rows.filter(**{f"{path}__slug": slug}) if slug else rows


def project_id_for(request: Request, scope: Scope = Scope.INGEST_WRITE) -> int:
    """Return the project that the request is about: the token's, or the one it names."""
    project_ids = actor_of(request).project_ids_with(scope)
    slug = request.query_params.get("project")
    if slug is not None:
        named = Project.objects.filter(slug=slug, pk__in=project_ids)
        project_ids = list(named.values_list("pk", flat=True))
    if len(project_ids) != 1:
        raise ValidationError({"project": ["Name one project in which you may do this."]})
    return project_ids[0]
