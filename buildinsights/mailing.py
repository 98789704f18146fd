"""The mail server as one address."""

from typing import Any

import environ

TIMEOUT_SECONDS = 20


def mailers(url: str) -> dict[str, dict[str, Any]]:
    """Return ``MAILERS`` for ``smtp://``, ``smtp+tls://`` or ``smtp+ssl://user:password@host:port``.

    Without an address nothing is sent.
    """
    if not url:
        return {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    known = environ.Env.email_url_config(url)
    options = {
        "host": known["EMAIL_HOST"],
        "port": known["EMAIL_PORT"],
        "username": known["EMAIL_HOST_USER"],
        "password": known["EMAIL_HOST_PASSWORD"],
        "use_tls": known.get("EMAIL_USE_TLS", False),
        "use_ssl": known.get("EMAIL_USE_SSL", False),
        "timeout": TIMEOUT_SECONDS,
    }
    return {"default": {"BACKEND": known["EMAIL_BACKEND"], "OPTIONS": options}}
