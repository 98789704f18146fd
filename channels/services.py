"""What asks for deliveries: each in the transaction of what it tells about."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction

from accounts.models import Project
from channels.contract import Message
from channels.models import Channel, Delivery


def queue_message(*, channels: Iterable[Channel], message: Message, key: str) -> int:
    """Let a message go through channels, and return through how many it is new.

    ``key`` names the message (``alert/<id>/firing``): the same one is queued once a channel.
    """
    return _queue(
        Delivery(
            project_id=channel.project_id,
            channel=channel,
            key=f"{key}/{channel.public_id}",
            message=message.as_document(),
        )
        for channel in channels
        if channel.is_on
    )


def queue_mail(
    *,
    project: Project,
    composer: str,
    recipients: Iterable[str],
    key: str,
    facts: Mapping[str, Any],
) -> int:
    """Let each recipient have an e-mail of its own, which ``composer`` will write from ``facts``.

    Returns how many are new; ``key`` names what is sent (``report/<run>``).
    """
    return _queue(
        Delivery(
            project=project,
            composer=composer,
            recipients=[address],
            key=f"{key}/{address}",
            message=dict(facts),
        )
        for address in sorted(set(recipients))
    )


def _queue(deliveries: Iterable[Delivery]) -> int:
    with transaction.atomic():
        rows = list(deliveries)
        known = set(Delivery.objects.filter(key__in=[row.key for row in rows]).values_list("key"))
        new = [row for row in rows if (row.key,) not in known]
        Delivery.objects.bulk_create(new, ignore_conflicts=True)
        if new:
            wake_senders()
    return len(new)


def wake_senders() -> None:
    """Let a worker look for what is due, once the transaction holds."""
    transaction.on_commit(partial(current_app.send_task, "channels.deliver_due"))
