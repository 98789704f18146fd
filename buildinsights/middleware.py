"""What no view should have to think of."""

from collections.abc import Callable

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
    """Logs requests with the person's id where one was looked up, and looks nobody up for it."""

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bind ``user_id`` once something else has asked who it is."""
        if request.session.accessed:
            RequestMiddleware.bind_user_id(request)
