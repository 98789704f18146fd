"""Addresses of this site, as people outside of it need them."""

from urllib.parse import urlsplit

from django.conf import settings


def absolute(path: str) -> str:
    """Return the whole address of a page; of no page, that of the site."""
    return settings.PUBLIC_URL.rstrip("/") + (path or "/")


def host() -> str:
    """Return the name of the site, such as Message-IDs end with."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"
