"""Secrets in the database, encrypted with keys that are made from ``SECRET_KEY``.

Each owner has keys of its own, so that what is sealed for one opens nowhere else. Older values of
``SECRET_KEY`` open too, as long as ``SECRET_KEY_FALLBACKS`` names them.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnreadableError(Exception):
    """What is sealed cannot be opened: ``SECRET_KEY`` is another now, or it is of another owner."""


def encrypt(owner: bytes, secret: bytes) -> bytes:
    """Encrypt a secret of ``owner``: the name of a purpose, and of a row in it."""
    return _keys_of(owner).encrypt(secret)


def decrypt(owner: bytes, sealed: bytes) -> bytes:
    """Return the secret that was sealed for ``owner``.

    Raises:
        UnreadableError: it was sealed with another key, or for another owner.
    """
    try:
        return _keys_of(owner).decrypt(sealed)
    except InvalidToken:
        raise UnreadableError from None


def _keys_of(owner: bytes) -> MultiFernet:
    known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([_key(secret, owner) for secret in known])


def _key(secret: str, owner: bytes) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=owner)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
