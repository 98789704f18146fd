"""Telling by HTTP: JSON there, and what the answer means."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from channels.contract import DeliveryError, PermanentDeliveryError
from channels.outbound import Answer, ask

LATER = frozenset({408, 425, 429})
"""Refusals that do not last, beside those of 500 and above."""
REDIRECTS = range(300, 400)
SERVER_ERRORS = 500
HEADERS = {"Content-Type": "application/json", "User-Agent": "buildinsights"}


def post_json(url: str, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Post a document and return the answer of whoever took it.

    Raises:
        DeliveryError: it was not taken.
    """
    answer = ask("POST", url, headers={**HEADERS, **(headers or {})}, body=encode(document))
    require_taken(answer, url)
    return answer


def encode(document: Any) -> bytes:
    """Return a document's bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def require_taken(answer: Answer, url: str) -> None:
    """Raise what an answer means, if the message was not taken."""
    if answer.status in range(200, 300):
        return
    host = urlsplit(url).hostname
    if answer.status in LATER or answer.status >= SERVER_ERRORS:
        raise DeliveryError(f"{host} answers {answer.status}", retry_after(answer))
    if answer.status in REDIRECTS:
        raise PermanentDeliveryError(f"{host} answers {answer.status}: redirects are not followed")
    raise PermanentDeliveryError(f"{host} answers {answer.status}")


def retry_after(answer: Answer) -> float | None:
    """Return after how many seconds the other side wants to be asked again, if it says so."""
    said = header(answer, "Retry-After")
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def header(answer: Answer, name: str) -> str:
    """Return a header of an answer, whatever the case of its name."""
    found = (value for key, value in answer.headers.items() if key.lower() == name.lower())
    return next(found, "").strip()


def host_of(url: str) -> str:
    """Return all that anybody may know of a webhook's address."""
    return urlsplit(url).hostname or ""
