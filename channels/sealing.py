"""Secrets of channels, each sealed for its channel alone."""

import json
from collections.abc import Mapping
from uuid import UUID

from pydantic import SecretStr

from buildinsights.sealing import UnreadableError, decrypt, encrypt
from channels.contract import PermanentDeliveryError

PURPOSE = b"buildinsights/channels/v1/"


class SealedError(PermanentDeliveryError):
    """What is sealed cannot be opened: ``SECRET_KEY`` is another now, or it is of another row."""

    def __init__(self) -> None:
        super().__init__("The secrets of this channel cannot be read any more. Enter them again.")


def seal(owner: UUID, secrets: Mapping[str, object]) -> bytes:
    """Encrypt the secrets of the channel ``owner``."""
    return encrypt(owner_of(owner), json.dumps(dict(secrets), default=_plain).encode())


def unseal(owner: UUID, sealed: bytes) -> dict[str, object]:
    """Return the secrets that were sealed for ``owner``.

    Raises:
        SealedError: they were sealed with another key, or for another channel.
    """
    if not sealed:
        return {}
    try:
        opened: dict[str, object] = json.loads(decrypt(owner_of(owner), sealed))
    except UnreadableError:
        raise SealedError from None
    return opened


def owner_of(channel: UUID) -> bytes:
    """Return the name that a channel's secrets are sealed for."""
    return PURPOSE + channel.bytes


def _plain(value: object) -> str:
    """Return as text what JSON does not know: secrets, and their ends."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
