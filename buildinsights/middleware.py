"""What no view should have to think of."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django_structlog.middlewares import RequestMiddleware

REFUSAL = {
    "type": "client_error",
    "errors": [
        {"code": "nul", "detail": "The address must not contain a NUL character.", "attr": None}
    ],
}


def refuse_nul(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 400 to addresses with a NUL character, which PostgreSQL cannot even compare with."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return JsonResponse(REFUSAL, status=400)
        return get_response(request)

    return middleware


class RequestLogMiddleware(RequestMiddleware):
    """Logs requests with the person's id where one was looked up, and looks nobody up for it.

    The address, which the audit trail keeps, is that of whoever connects. Only of proxies of ours
    is it believed what they say: anybody can send ``X-Forwarded-For``.
    """

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind ``ip``: as many steps back as there are ``TRUSTED_PROXIES``."""
        said = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        way = [*filter(None, map(str.strip, said)), request.META.get("REMOTE_ADDR", "")]
        steps = min(settings.TRUSTED_PROXIES, len(way) - 1)
        structlog.contextvars.bind_contextvars(ip=way[-1 - steps])

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bind ``user_id`` once something else has asked who it is."""
        if request.session.accessed:
            RequestMiddleware.bind_user_id(request)
