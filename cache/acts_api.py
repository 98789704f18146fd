"""Acts on caches, from the command line."""

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from cache.acts import record_acts

MOST = 100
DETAILS_LENGTH = 256 * 1024


class ActSerializer(serializers.Serializer[Any]):
    """One act."""

    id = serializers.UUIDField(help_text="Made where it was done: an act is kept once.")
    at = serializers.DateTimeField()
    user = serializers.CharField(max_length=100, allow_blank=True)
    host = serializers.CharField(max_length=200, allow_blank=True)
    action = serializers.RegexField(r"^[a-z_]{1,20}$")
    target = serializers.CharField(max_length=2000, allow_blank=True)
    dry_run = serializers.BooleanField()
    outcome = serializers.CharField(max_length=2000, allow_blank=True)
    details = serializers.DictField(required=False, default=dict)

    def validate_details(self, value: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is too large to be an account of an act."""
        if len(json.dumps(value)) > DETAILS_LENGTH:
            raise serializers.ValidationError(f"More than {DETAILS_LENGTH} characters.")
        return value


class ActsSerializer(serializers.Serializer[Any]):
    """Acts, in the order in which they were done."""

    acts = serializers.ListField(child=ActSerializer(), min_length=1, max_length=MOST)


class RecordedSerializer(serializers.Serializer[Any]):
    """How many of them were not known yet."""

    recorded = serializers.IntegerField()


class CacheActsView(APIView):
    """Take acts on caches and note them in the project's audit trail."""

    scope = Scope.INGEST_WRITE

    @extend_schema(
        operation_id="cache_acts",
        parameters=[OpenApiParameter("project", str, description="Slug of one of your projects.")],
        request=ActsSerializer,
        responses={201: RecordedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Keep acts; one that came before is not kept again."""
        project = Project.objects.get(pk=project_id_for(request))
        body = ActsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        acts = body.validated_data["acts"]
        recorded = record_acts(project=project, actor=actor_of(request), acts=acts)
        return Response({"recorded": recorded}, status=status.HTTP_201_CREATED)
