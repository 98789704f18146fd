"""Secrets of channels, encrypted with keys that are made from ``SECRET_KEY``.

Each channel has keys of its own, so that what is sealed for one opens nowhere else. Older values of
``SECRET_KEY`` open too, as long as ``SECRET_KEY_FALLBACKS`` names them.
"""

import base64
import json
from collections.abc import Mapping
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from pydantic import SecretStr

from channels.contract import PermanentDeliveryError

PURPOSE = b"buildinsights/channels/v1/"


class SealedError(PermanentDeliveryError):
    """What is sealed cannot be opened: ``SECRET_KEY`` is another now, or it is of another row."""

    def __init__(self) -> None:
        super().__init__("The secrets of this channel cannot be read any more. Enter them again.")


def seal(owner: UUID, secrets: Mapping[str, object]) -> bytes:
    """Encrypt the secrets of the channel ``owner``."""
    return _keys_of(owner).encrypt(json.dumps(dict(secrets), default=_plain).encode())


def unseal(owner: UUID, sealed: bytes) -> dict[str, object]:
    """Return the secrets that were sealed for ``owner``.

    Raises:
        SealedError: they were sealed with another key, or for another channel.
    """
    if not sealed:
        return {}
    try:
        opened: dict[str, object] = json.loads(_keys_of(owner).decrypt(sealed))
    except InvalidToken:
        raise SealedError from None
    return opened


def _plain(value: object) -> str:
    """Return as text what JSON does not know: secrets, and their ends."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _keys_of(owner: UUID) -> MultiFernet:
    known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_key(secret, owner) for secret in known])


def _key(secret: str, owner: UUID) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=PURPOSE + owner.bytes)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
