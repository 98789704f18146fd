"""E-mail with a text and an HTML part; messages of one key are one thread (RFC 5322, 3.6.4)."""

import hashlib
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from pydantic import AfterValidator, BeforeValidator, Field

from channels import addresses
from channels.contract import Fact, Receipt
from channels.kinds.contract import KindSettings, NothingToTellError, Outgoing
from channels.kinds.texts import WORDS, headline, shortened
from channels.mail import send_as

MOST_RECIPIENTS = 50
MOST_SUBJECT_CHARACTERS = 200


def _split(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _check(recipients: list[str]) -> list[str]:
    for address in recipients:
        try:
            validate_email(address)
        except ValidationError:
            raise ValueError(f"“{address}” is not an e-mail address.") from None
    return list(dict.fromkeys(recipients))


class EmailSettings(KindSettings):
    """To whom it goes."""

    recipients: Annotated[
        list[str],
        Field(
            title="Recipients",
            description="Separated by commas, or one a line. They see each other's addresses.",
            min_length=1,
            max_length=MOST_RECIPIENTS,
        ),
        BeforeValidator(_split),
        AfterValidator(_check),
    ]


class Email:
    """E-mail."""

    label = "E-mail"
    settings_model = EmailSettings

    def destination(self, settings: EmailSettings) -> str:
        """Return the recipients."""
        return ", ".join(settings.recipients)

    def send(self, settings: EmailSettings, outgoing: Outgoing) -> Receipt:
        """Hand the e-mail to the mail server."""
        left = [address for address in outgoing.left if address in settings.recipients]
        if outgoing.left and not left:
            raise NothingToTellError("Those who are still without it are no longer told.")
        return send_as(compose(settings, outgoing), outgoing.id, left)


def compose(settings: EmailSettings, outgoing: Outgoing) -> EmailMultiAlternatives:
    """Write the e-mail."""
    message = outgoing.message
    context = {
        "message": message,
        "headline": headline(message),
        "word": WORDS[message.event],
        "project": outgoing.project,
        "url": addresses.absolute(message.path),
        "facts": [_fact(fact) for fact in message.facts],
    }
    thread = _thread_of(outgoing.channel_id, message.key)
    subject = " ".join(f"[{outgoing.project}] {headline(message)}".split())
    mail = EmailMultiAlternatives(
        shortened(subject, MOST_SUBJECT_CHARACTERS),
        render_to_string("emails/alert.txt", context),
        to=list(settings.recipients),
        headers={"In-Reply-To": thread, "References": thread},
    )
    mail.attach_alternative(render_to_string("emails/alert.html", context), "text/html")
    return mail


def _fact(fact: Fact) -> tuple[Fact, str]:
    """Return a fact in one line, which nothing in it can end, with its address."""
    href = addresses.absolute(fact.path) if fact.path else ""
    return replace(fact, value=" ".join(fact.value.split())), href


def _thread_of(channel: UUID, key: str) -> str:
    """Name the e-mail that all of one key answer; mail programs need not have seen it."""
    digest = hashlib.sha256(f"{channel}/{key}".encode()).hexdigest()[:32]
    return f"<thread-{digest}@{addresses.host()}>"
