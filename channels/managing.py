"""Changes of channels by people and tokens; each is in the trail, and no secret ever is."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.limits import MOST_CHANNELS, require_room
from accounts.models import Project
from accounts.typing import Actor
from audit.services import record
from channels.contract import Event, Message, PermanentDeliveryError, Severity
from channels.entering import entered
from channels.exceptions import (
    ChannelGoneError,
    ChannelNameTakenError,
    ChannelOffError,
    NotGivenUpError,
    NotRotatableError,
    OvertakenError,
    TooManySecretsError,
)
from channels.kinds.contract import KindSettings
from channels.kinds.webhook import MOST_FORMER, WebhookSettings
from channels.models import Channel, Delivery
from channels.opening import opened, put_into
from channels.sending import drop_unsendable
from channels.services import queue_message, wake_senders


@transaction.atomic
def create_channel(
    *, project: Project, kind: str, name: str, settings: KindSettings, actor: Actor
) -> Channel:
    """Make a channel.

    Raises:
        ChannelNameTakenError: there is one of this name.
        TooManyError: the project has as many as it may.
    """
    require_room(Channel.objects.filter(project=project), MOST_CHANNELS, "channels")
    channel = Channel(project=project, kind=kind, name=name)
    put_into(channel, settings)
    _save(channel)
    told = {"name": name, "kind": kind, "settings": channel.settings}
    _record(actor, "channel.created", channel, told | {"destination": channel.destination})
    return channel


@transaction.atomic
def change_channel(
    *, channel: Channel, name: str, values: Mapping[str, Any], actor: Actor
) -> Channel:
    """Set name and settings of a channel, which goes on at once if it rests.

    Secrets that ``values`` do not have stay what they are when nobody else changes them.

    Raises:
        SettingsError: the settings cannot be.
        ChannelNameTakenError: there is another of this name.
    """
    channel = _locked(channel)
    settings = entered(channel.kind, values, channel)
    before = {"name": channel.name, "destination": channel.destination, **channel.settings}
    replaced = _replaced_secrets(channel, settings)
    channel.name, channel.rests_until = name, None
    put_into(channel, settings)
    _save(channel)
    after = {"name": channel.name, "destination": channel.destination, **channel.settings}
    changes: dict[str, Any] = {
        field: [before.get(field), after.get(field)]
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field)
    }
    _record(actor, "channel.changed", channel, changes | {"secrets": replaced})
    return channel


@transaction.atomic
def delete_channel(*, channel: Channel, actor: Actor) -> None:
    """Remove a channel with the history of its deliveries."""
    channel = _locked(channel)
    _record(actor, "channel.deleted", channel, {"name": channel.name, "kind": channel.kind})
    channel.delete()


@transaction.atomic
def switch_channel(*, channel: Channel, is_on: bool, actor: Actor) -> Channel:
    """Switch a channel on or off; what waits for one that is off is not sent."""
    channel = _locked(channel)
    channel.is_on, channel.failures, channel.rests_until = is_on, 0, None
    channel.off_because = "" if is_on else f"{actor.actor_name} switched it off."[:500]
    channel.save(update_fields=["is_on", "failures", "off_because", "rests_until"])
    _record(actor, f"channel.switched_{'on' if is_on else 'off'}", channel, {})
    drop_unsendable()
    return channel


@transaction.atomic
def rotate_secret(*, channel: Channel, actor: Actor) -> str:
    """Give a webhook a new secret and return it, this once; former ones sign for a while, too.

    Raises:
        NotRotatableError: the channel has no secret of ours.
        TooManySecretsError: as many former ones as may still sign.
    """
    channel = _locked(channel)
    known = opened(channel)
    if not isinstance(known, WebhookSettings):
        raise NotRotatableError
    if len(known.former()) >= MOST_FORMER:
        raise TooManySecretsError
    rotated = known.rotated()
    put_into(channel, rotated)
    channel.save()
    _record(actor, "channel.secret_rotated", channel, dict(channel.settings))
    return rotated.secret.get_secret_value()


@transaction.atomic
def queue_test(*, channel: Channel, actor: Actor) -> Delivery:
    """Let a channel tell that it works, and return the delivery.

    Raises:
        ChannelOffError: nothing goes through it.
    """
    if not channel.is_on:
        raise ChannelOffError
    key = f"test/{uuid4()}"
    message = Message(
        key=key,
        event=Event.TEST,
        severity=Severity.INFO,
        title=f"Test of {channel.name}",
        summary=f"The channel works. {actor.actor_name} asked for this; nothing has happened.",
        path=channel.get_absolute_url(),
    )
    queue_message(channels=[channel], message=message, key=key)
    _record(actor, "channel.tested", channel, {})
    return Delivery.objects.get(channel=channel, key__startswith=f"{key}/")


@transaction.atomic
def retry_delivery(*, delivery: Delivery, actor: Actor) -> Delivery:
    """Let what was given up be tried as often again.

    Raises:
        NotGivenUpError: it waits, or was sent.
        ChannelOffError: nothing goes through its channel.
        OvertakenError: something later about the same thing was sent.
    """
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("channel", "project")
    delivery = rows.get(pk=delivery.pk)
    if delivery.state not in {Delivery.State.FAILED, Delivery.State.DROPPED}:
        raise NotGivenUpError
    if delivery.channel is not None and not delivery.channel.is_on:
        raise ChannelOffError
    if Delivery.objects.overtaking(delivery).exists():
        raise OvertakenError
    delivery.state, delivery.tries, delivery.next_at = Delivery.State.PENDING, 0, timezone.now()
    delivery.save(update_fields=["state", "tries", "next_at"])
    record(
        actor=actor,
        action="delivery.retried",
        target=delivery,
        project=delivery.project,
        changes={"error": delivery.error},
    )
    wake_senders()
    return delivery


def made_secret(channel: Channel) -> str:
    """Return the secret that was made for a new channel, to be shown once."""
    known = opened(channel)
    return known.secret.get_secret_value() if isinstance(known, WebhookSettings) else ""


def _locked(channel: Channel) -> Channel:
    """Lock a channel until the transaction ends; who sends through it now goes on first.

    Raises:
        ChannelGoneError: it was deleted meanwhile.
    """
    rows = Channel.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.filter(pk=channel.pk).first()
    if locked is None:
        raise ChannelGoneError
    return locked


def _save(channel: Channel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise ChannelNameTakenError from None


def _replaced_secrets(channel: Channel, settings: KindSettings) -> list[str]:
    """Name the secrets that are others now."""
    try:
        known = opened(channel)
    except PermanentDeliveryError:
        return sorted(settings.secret_names())
    names = settings.secret_names()
    return sorted(name for name in names if getattr(known, name) != getattr(settings, name))


def _record(actor: Actor, action: str, channel: Channel, changes: dict[str, Any]) -> None:
    record(actor=actor, action=action, target=channel, project=channel.project, changes=changes)
