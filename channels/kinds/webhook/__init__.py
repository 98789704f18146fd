"""JSON to an address of one's own, signed as Standard Webhooks says.

Headers, signature and secret are those of https://www.standardwebhooks.com (specification 1.0.0);
the document is ours and described in docs/channels.md.
"""

import base64
import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field, SecretStr

from channels import addresses
from channels.contract import Receipt
from channels.kinds.contract import KindSettings, Outgoing, SecretAddress
from channels.kinds.http import HEADERS, encode, header, host_of, require_taken
from channels.outbound import ask

PREFIX = "whsec_"
SECRET_BYTES = 32
OVERLAP = timedelta(days=7)
"""For how long a secret that was replaced still signs."""
MOST_FORMER = 8
"""Former secrets that may sign at a time: each is a signature in a header of every message."""

Former = tuple[SecretStr, AwareDatetime]
"""A secret that was replaced, and until when it signs."""


class WebhookSettings(KindSettings):
    """Where it goes, and what signs it: ``previous`` was replaced last, ``earlier`` before it."""

    made: ClassVar = frozenset({"secret", "previous", "previous_until", "earlier"})

    url: SecretAddress = Field(title="Address", description="https://hooks.example.com/builds")
    secret: SecretStr = Field(default_factory=lambda: SecretStr(new_secret()))
    previous: SecretStr | None = Field(default=None)
    previous_until: AwareDatetime | None = Field(default=None)
    earlier: tuple[Former, ...] = Field(default=())

    def rotated(self) -> "WebhookSettings":
        """Return them with a new secret; those that were sign for a while, too."""
        changes = {
            "secret": SecretStr(new_secret()),
            "previous": self.secret,
            "previous_until": datetime.now(UTC) + OVERLAP,
            "earlier": self.former(),
        }
        return self.model_copy(update=changes)

    def former(self) -> tuple[Former, ...]:
        """Return the secrets that were replaced and still sign, the newest first."""
        known, now = ((self.previous, self.previous_until), *self.earlier), datetime.now(UTC)
        return tuple((secret, until) for secret, until in known if secret and until and until > now)

    def signing(self) -> list[str]:
        """Return the secrets that sign now, the newest first."""
        known = (self.secret, *(secret for secret, _ in self.former()))
        return [secret.get_secret_value() for secret in known]


class Webhook:
    """A signed webhook."""

    label = "Signed webhook"
    settings_model = WebhookSettings

    def destination(self, settings: WebhookSettings) -> str:
        """Return the host."""
        return host_of(settings.url.get_secret_value())

    def send(self, settings: WebhookSettings, outgoing: Outgoing) -> Receipt:
        """Post the signed document; the other side may say its own id of it."""
        url, body = settings.url.get_secret_value(), encode(document_of(outgoing))
        name, now = f"msg_{outgoing.id.hex}", str(int(time.time()))
        signatures = [sign(secret, name, now, body) for secret in settings.signing()]
        own = {
            "Webhook-Id": name,
            "Webhook-Timestamp": now,
            "Webhook-Signature": " ".join(signatures),
        }
        answer = ask("POST", url, headers=HEADERS | own, body=body)
        require_taken(answer, url)
        return Receipt(header(answer, "X-Request-Id")[:300])


def new_secret() -> str:
    """Return a secret that nobody has had."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, name: str, at: str, body: bytes) -> str:
    """Return the signature of a message: of its id, its time and its bytes."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def document_of(outgoing: Outgoing) -> dict[str, Any]:
    """Return what is sent: the message, with whole addresses."""
    message = outgoing.message.as_document()
    facts = [
        {
            "label": fact.label,
            "value": fact.value,
            "url": addresses.absolute(fact.path) if fact.path else None,
        }
        for fact in outgoing.message.facts
    ]
    told = {name: message[name] for name in ("key", "event", "severity", "title", "summary")}
    return {
        "type": f"message.{outgoing.message.event}",
        "timestamp": outgoing.created_at.isoformat(),
        "data": {
            "project": outgoing.project,
            **told,
            "url": addresses.absolute(outgoing.message.path),
            "facts": facts,
            "commit": message["commit"],
        },
    }
