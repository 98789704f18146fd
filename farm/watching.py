"""Passes of people who watch a build, so that a thousand of them cost no read of their rights.

A pass is a cookie for one build, signed together with the session that it was given to. It is good
for half a minute: so long somebody goes on seeing a build who may no longer.
"""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

NAME = "watching"
GOOD_SECONDS = 30


def give_pass(response: HttpResponse, request: HttpRequest, public_id: UUID) -> None:
    """Let the session behind ``request`` watch the build for a while."""
    response.set_signed_cookie(
        NAME,
        "",
        salt=_salt(request, public_id),
        max_age=GOOD_SECONDS,
        path=request.path,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def holds_pass(request: HttpRequest, public_id: UUID) -> bool:
    """Tell whether the session behind ``request`` was let in to the build a moment ago."""
    salt = _salt(request, public_id)
    found = request.get_signed_cookie(NAME, default=None, salt=salt, max_age=GOOD_SECONDS)
    return found is not None


def _salt(request: HttpRequest, public_id: UUID) -> str:
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return f"farm.watching:{public_id}:{session}"
