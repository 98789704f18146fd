"""Channels and deliveries for machines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.access import PROJECT, in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.permissions import scope_asked
from accounts.roles import Scope
from channels.entering import entered
from channels.exceptions import SettingsError
from channels.filters import DeliveryFilter
from channels.managing import (
    change_channel,
    create_channel,
    delete_channel,
    made_secret,
    queue_test,
    retry_delivery,
    rotate_secret,
    switch_channel,
)
from channels.models import Channel, Delivery
from channels.serializers import (
    ChannelChangeSerializer,
    ChannelSecretSerializer,
    ChannelSerializer,
    ChannelWriteSerializer,
    DeliverySerializer,
    MadeChannelSerializer,
)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class ChannelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Channel]):
    """Channels, by name."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.CHANNELS_WRITE
    queryset = Channel.objects.none()
    serializer_class = ChannelSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Channels that the actor may see, or change if that is asked for."""
        scope = scope_asked(self.request, self)
        rows = Channel.objects.visible_to(actor_of(self.request), scope)
        return in_project(self.request, rows).select_related("project")

    @extend_schema(
        request=ChannelWriteSerializer,
        responses={201: MadeChannelSerializer},
        parameters=[PROJECT],
    )
    def create(self, request: Request) -> Response:
        """Make a channel. The secret that signs a webhook is in this answer alone."""
        body = ChannelWriteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        project = Project.objects.get(pk=project_id_for(request, self.write_scope))
        with _naming_fields():
            settings = entered(said["kind"], said["settings"])
        made = create_channel(
            project=project,
            kind=said["kind"],
            name=said["name"],
            settings=settings,
            actor=actor_of(request),
        )
        told = ChannelSerializer(made).data | {"secret": made_secret(made)}
        return Response(told, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=ChannelChangeSerializer, responses=ChannelSerializer, parameters=[PROJECT]
    )
    def update(self, request: Request, public_id: str) -> Response:
        """Set name and settings; secrets that are left out stay, unless they would go elsewhere."""
        channel = self.get_object()
        body = ChannelChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        with _naming_fields():
            changed = change_channel(
                channel=channel,
                name=said["name"],
                values=said["settings"],
                actor=actor_of(request),
            )
        return Response(ChannelSerializer(changed).data)

    @extend_schema(request=None, responses={204: None}, parameters=[PROJECT])
    def destroy(self, request: Request, public_id: str) -> Response:
        """Remove a channel with the history of its deliveries."""
        delete_channel(channel=self.get_object(), actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: DeliverySerializer}, parameters=[PROJECT])
    @action(detail=True, methods=["post"])
    def test(self, request: Request, public_id: str) -> Response:
        """Send a test; its delivery says what came of it."""
        delivery = queue_test(channel=self.get_object(), actor=actor_of(request))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=ChannelSecretSerializer, parameters=[PROJECT])
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, public_id: str) -> Response:
        """Make a new secret for a webhook; former ones sign for a while, too."""
        channel = self.get_object()
        secret = rotate_secret(channel=channel, actor=actor_of(request))
        channel.refresh_from_db()
        told = {"secret": secret, "previous_until": channel.settings["previous_until"]}
        return Response(told)

    @extend_schema(request=None, responses=ChannelSerializer, parameters=[PROJECT])
    @action(detail=True, methods=["post"], url_path="switch-on")
    def switch_on(self, request: Request, public_id: str) -> Response:
        """Let messages go through a channel again."""
        return self._switched(is_on=True)

    @extend_schema(request=None, responses=ChannelSerializer, parameters=[PROJECT])
    @action(detail=True, methods=["post"], url_path="switch-off")
    def switch_off(self, request: Request, public_id: str) -> Response:
        """Let nothing go through a channel; what waits for it is not sent."""
        return self._switched(is_on=False)

    def _switched(self, *, is_on: bool) -> Response:
        channel = self.get_object()
        changed = switch_channel(channel=channel, is_on=is_on, actor=actor_of(self.request))
        return Response(ChannelSerializer(changed).data)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Delivery]):
    """What was and is to be sent, the newest first."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.CHANNELS_WRITE
    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Deliveries that the actor may see."""
        rows = Delivery.objects.visible_to(actor_of(self.request)).told()
        return in_project(self.request, rows)

    @extend_schema(request=None, responses=DeliverySerializer, parameters=[PROJECT], filters=False)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, public_id: str) -> Response:
        """Let what was given up be tried as often again."""
        actor = actor_of(request)
        rows = Delivery.objects.visible_to(actor, self.write_scope)
        delivery = get_object_or_404(rows, public_id=public_id)
        return Response(DeliverySerializer(retry_delivery(delivery=delivery, actor=actor)).data)


@contextmanager
def _naming_fields() -> Iterator[None]:
    """Refuse settings that cannot be as bad input, by field."""
    try:
        yield
    except SettingsError as error:
        raise ValidationError({"settings": dict(error.errors)}) from None
