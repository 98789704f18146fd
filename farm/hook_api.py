"""The address that forges call after a push."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.services import Stranger, record_once_a_day
from farm.models import PushHook
from farm.pushes import is_genuine, parse_push, queue_push


class PushAnswerSerializer(serializers.Serializer[Any]):
    """What a push made."""

    builds = serializers.ListField(
        child=serializers.DictField(), help_text="`id` and `url` of each build that was queued."
    )


class PushHookView(APIView):
    """Webhook of one project."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    parser_classes: tuple[type[BaseParser], ...] = ()

    def get_authenticate_header(self, request: Request) -> str:
        """Return what makes a refusal 401: the scheme that is asked for."""
        return "Signature"

    @extend_schema(
        operation_id="push_hook",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={202: PushAnswerSerializer},
        auth=[],
    )
    def post(self, request: Request, public_id: UUID) -> Response:
        """Queue the builds that follow a push; signed as GitHub, Gitea, Forgejo and GitLab do."""
        hook = PushHook.objects.select_related("project").filter(public_id=public_id).first()
        if hook is None:
            raise NotFound
        body = request._request.body  # noqa: SLF001  # the signature is over the bytes
        if not is_genuine(hook, body, request.headers):
            record_once_a_day(
                actor=Stranger("webhook"), action="hook.refused", target=hook, project=hook.project
            )
            raise AuthenticationFailed("The signature or token is not of this webhook's secret.")
        push = parse_push(body)
        made = queue_push(hook=hook, push=push) if push else []
        builds = [
            {
                "id": str(item.build.public_id),
                "url": request.build_absolute_uri(item.build.get_absolute_url()),
            }
            for item in made
        ]
        return Response({"builds": builds}, status.HTTP_202_ACCEPTED)
