"""Who writes the e-mails of deliveries that have no channel: apps further right say so."""

from collections.abc import Callable

from django.core.mail import EmailMultiAlternatives

from channels.models import Delivery

Composer = Callable[[Delivery], EmailMultiAlternatives]
"""Writes the e-mail to ``delivery.recipients``; its Message-ID is given by whoever sends it."""

_COMPOSERS: dict[str, Composer] = {}


def register(name: str, composer: Composer) -> None:
    """Let ``composer`` write deliveries of that name; called when an app is ready."""
    _COMPOSERS[name] = composer


def compose(delivery: Delivery) -> EmailMultiAlternatives:
    """Return the e-mail of a delivery without a channel."""
    return _COMPOSERS[delivery.composer](delivery)
