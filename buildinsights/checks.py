"""System checks for settings that are each right somewhere and unsafe together.

They run with every management command; ``manage.py check --deploy`` adds Django's own.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
MIN_SECRET_KEY_LENGTH = 40
"""Characters; 32 random bytes as base64 or hexadecimal are longer."""

DEBUG_IN_PUBLIC = "buildinsights.E001"
SHORT_SECRET_KEY = "buildinsights.E002"  # noqa: S105
UNSHARED_BROKER = "buildinsights.W001"
PLAIN_HTTP = "buildinsights.W002"


def remote_hosts(hosts: Sequence[str]) -> list[str]:
    """Return the host names that other machines may use; ``*`` and ``.example.com`` are such."""
    return [host for host in hosts if host not in LOCAL_HOSTS]


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Error pages with settings and variables are for this machine only."""
    hosts = remote_hosts(settings.ALLOWED_HOSTS)
    if not settings.DEBUG or not hosts:
        return []
    message = f"DEBUG is on although the server answers as {', '.join(hosts)}."
    return [Error(message, hint="Set DEBUG=0.", id=DEBUG_IN_PUBLIC)]


@register(Tags.security)
def check_secret_key(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Whoever guesses the key can sign sessions."""
    if len(settings.SECRET_KEY.strip()) >= MIN_SECRET_KEY_LENGTH:
        return []
    message = f"SECRET_KEY has fewer than {MIN_SECRET_KEY_LENGTH} characters."
    hint = "Make a random one: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    return [Error(message, hint=hint, id=SHORT_SECRET_KEY)]


@register(Tags.security)
def check_broker(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Files are a broker for one machine; a database elsewhere suggests that there are more."""
    host = str(settings.DATABASES["default"].get("HOST") or "")
    is_local = not host or host.startswith("/") or host in LOCAL_HOSTS
    if is_local or not settings.CELERY_BROKER_URL.startswith("filesystem:"):
        return []
    message = f"The database is on {host}, but tasks are handed over in files of this machine."
    hint = "Set CELERY_BROKER_URL to a Redis or RabbitMQ that all hosts reach."
    return [Warning(message, hint=hint, id=UNSHARED_BROKER)]


@register(Tags.security, deploy=True)
def check_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Passwords and tokens must not cross a network in the clear."""
    hosts = remote_hosts(settings.ALLOWED_HOSTS)
    if settings.HTTPS or not hosts:
        return []
    message = f"HTTPS is off although the server answers as {', '.join(hosts)}."
    hint = "End TLS in a proxy that sets X-Forwarded-Proto, and set HTTPS=1."
    return [Warning(message, hint=hint, id=PLAIN_HTTP)]
