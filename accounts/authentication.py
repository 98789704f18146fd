"""Bearer tokens for the API."""

from datetime import timedelta
from functools import cache as kept
from hmac import compare_digest

import structlog
from django.core.cache import cache
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import TOKEN_MARK, token_digest
from audit.services import Stranger, record_once_a_day

LAST_USED_PRECISION = timedelta(minutes=5)
NOTED_SECONDS = 24 * 3600
UNKNOWN = ApiToken(public_id=None, name="unknown", prefix="")  # type: ignore[misc]
"""What all unknown tokens are in the trail: with an id, each would be another."""


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer bi_<prefix>_<secret>``; the token itself becomes ``request.user``."""

    def authenticate(self, request: Request) -> tuple[ApiToken, ApiToken] | None:
        """Return the token twice (as user and as credential), or ``None`` without a bearer."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = find_token(secret.decode("latin-1").strip())
        if token is None:
            note_refusal(secret.decode("latin-1"))
            raise AuthenticationFailed("This token is unknown, revoked or expired.")
        remember_use(token)
        note_use(token)
        return token, token

    def authenticate_header(self, request: Request) -> str:
        """Make refusals 401 and not 403."""
        return "Bearer"


def find_token(secret: str) -> ApiToken | None:
    """Return the usable token with that secret."""
    mark, _, rest = secret.partition("_")
    prefix = rest.partition("_")[0]
    if mark != TOKEN_MARK or "\0" in prefix:
        return None
    token = next(iter(ApiToken.objects.raw(_lookup(), [prefix])), None)
    if token and compare_digest(token.digest, token_digest(secret)):
        return token
    return None


@kept
def _lookup() -> str:
    """Write the statement once: that takes the ORM longer than it takes PostgreSQL to answer it."""
    statement, _ = ApiToken.objects.usable().filter(prefix="").query.sql_with_params()
    return statement


def remember_use(token: ApiToken) -> None:
    """Note the time of use, but not on every request: that would be a write for each read."""
    if token.last_used_at and timezone.now() - token.last_used_at < LAST_USED_PRECISION:
        return
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())


def note_use(token: ApiToken) -> None:
    """Note a token's first use from an address on a day; the cache spares most the question."""
    address = structlog.contextvars.get_contextvars().get("ip", "")
    key = f"token-use:{token.pk}:{timezone.now().date()}:{str(address)[:64]}"
    if cache.add(key, True, timeout=NOTED_SECONDS):
        record_once_a_day(actor=token, action="token.used", target=token, project=token.project)


def note_refusal(secret: str) -> None:
    """Note the first refusal of an address on a day, in the trail of the token's project.

    All unknown tokens are one: anybody can make up as many as they like.
    """
    prefix = secret.partition("_")[2].partition("_")[0].replace("\0", "")[:12]
    token = ApiToken.objects.select_related("project").filter(prefix=prefix).first()
    record_once_a_day(
        actor=Stranger(f"token {prefix}…" if token else "unknown token"),
        action="token.refused",
        target=token or UNKNOWN,
        project=token.project if token else None,
    )


def actor_of(request: Request | HttpRequest) -> ApiToken | User:
    """Return who asks; only for views that have refused strangers already."""
    if not isinstance(request.user, ApiToken | User):
        raise NotAuthenticated
    return request.user
