"""Builds for machines, with those that the server is to start."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.roles import Scope
from builds.api import BuildViewSet
from builds.models import Build, Service
from builds.serializers import BuildSerializer
from farm.exceptions import NoSourceError
from farm.models import Source
from farm.queueing import retry
from farm.serializers import TriggerSerializer
from farm.services import cancel, trigger


class TriggeredBuildViewSet(BuildViewSet):
    """Builds, newest first; a build that is posted is queued."""

    write_scope = Scope.BUILDS_TRIGGER

    @extend_schema(request=TriggerSerializer, responses={201: BuildSerializer}, filters=False)
    def create(self, request: Request) -> Response:
        """Queue a build; an equal one that is still queued is the answer instead of a second."""
        asked = TriggerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        source = self._source(asked.validated_data)
        [made] = trigger(
            sources=[source],
            wish=asked.wish(),
            actor=actor_of(request),
            supersede=asked.validated_data["supersede"],
        )
        return self._answer(made.build, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: BuildSerializer}, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def cancel(self, request: Request, public_id: str) -> Response:
        """End a queued or running build of this server."""
        build = self._changeable()
        cancel(build=build, actor=actor_of(request))
        build.refresh_from_db()
        return self._answer(build, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={201: BuildSerializer}, filters=False)
    @action(detail=True, methods=["post"], pagination_class=None)
    def retry(self, request: Request, public_id: str) -> Response:
        """Queue the same again, at the same commit."""
        made = retry(build=self._changeable(), actor=actor_of(request))
        return self._answer(made.build, status.HTTP_201_CREATED)

    def _changeable(self) -> Build:
        """Return the build; 404 if the actor may not trigger in its project."""
        build: Build = self.get_object()
        if build.project_id not in actor_of(self.request).project_ids_with(Scope.BUILDS_TRIGGER):
            raise NotFound
        return build

    def _source(self, said: dict[str, Any]) -> Source:
        actor = actor_of(self.request)
        services = Service.objects.visible_to(actor, Scope.BUILDS_TRIGGER)
        services = services.filter(slug=said["service"])
        if "project" in said:
            services = services.filter(project__slug=said["project"])
        found = list(services[:2])
        if not found:
            raise ValidationError({"service": ["There is no such service."]})
        if len(found) > 1:
            raise ValidationError({"project": ["Several projects have this service: name one."]})
        source = Source.objects.select_related("service__project", "builder").filter(pk=found[0].pk)
        known = source.first()
        if known is None:
            raise NoSourceError
        return known

    def _answer(self, build: Build, code: int) -> Response:
        return Response(self.get_serializer(build).data, status=code)
