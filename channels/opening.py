"""Settings of a channel as its kind knows them, from and to what is stored."""

from typing import Any

from channels.contract import PermanentDeliveryError
from channels.kinds import KINDS
from channels.kinds.contract import STORED, Kind, KindSettings
from channels.models import Channel
from channels.sealing import seal, unseal


def kind_of(channel: Channel) -> Kind:
    """Return the kind of a channel."""
    return KINDS[channel.kind]


def opened(channel: Channel) -> Any:
    """Return the settings of a channel, with its secrets.

    Raises:
        PermanentDeliveryError: they cannot be read.
    """
    secrets = unseal(channel.public_id, bytes(channel.sealed))
    model: type[KindSettings] = kind_of(channel).settings_model
    try:
        return model.model_validate(channel.settings | secrets, context=STORED)
    except ValueError:
        raise PermanentDeliveryError("The settings of this channel are incomplete.") from None


def put_into(channel: Channel, settings: KindSettings) -> None:
    """Set what is stored of settings: secrets sealed, and all else as it is."""
    secret = settings.secret_names()
    hidden = settings.model_dump(include=set(secret), exclude_defaults=True)
    channel.settings = settings.model_dump(mode="json", exclude=set(secret), exclude_none=True)
    channel.sealed = seal(channel.public_id, hidden) if hidden else b""
    channel.destination = kind_of(channel).destination(settings)[:300]
