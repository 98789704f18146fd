"""Ed25519 keys in files, and what is signed with them: canonical JSON. Knows no Django."""

import os
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from audit.chain import canonical

DIGITS = re.compile(rb"[0-9a-f]{64}")


class SigningKeyError(Exception):
    """The key cannot be used; the message says why, and nothing of the key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, with the public half as it is published."""

    key: Ed25519PrivateKey

    @property
    def public_key(self) -> str:
        """The 32 bytes of the public key as base64."""
        return b64encode(_raw(self.key.public_key())).decode()

    @property
    def key_id(self) -> str:
        """The fingerprint of the public key."""
        return fingerprint(self.public_key)

    def sign(self, document: Mapping[str, Any]) -> str:
        """Return the signature of a document as base64."""
        return b64encode(self.key.sign(canonical(document))).decode()


def fingerprint(public_key: str) -> str:
    """Return SHA-256 of the 32 bytes, in hexadecimal digits."""
    return sha256(b64decode(public_key)).hexdigest()


def as_pem(public_key: str) -> str:
    """Return a public key as other tools read it."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def is_signed(document: Mapping[str, Any], signature: str, public_key: str) -> bool:
    """Tell whether a document was signed with the private half of a key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(public_key))
        key.verify(b64decode(signature), canonical(document))
    except (InvalidSignature, ValueError):
        return False
    return True


def read_key(path: Path) -> Signer:
    """Return the private key in a file: PEM, or its 32 bytes in hexadecimal digits.

    Raises:
        SigningKeyError: there is no such file, or no Ed25519 key without a passphrase in it.
    """
    try:
        data = path.read_bytes().strip()
        if DIGITS.fullmatch(data):
            return Signer(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(data.decode())))
        key = load_pem_private_key(data, password=None)
    except OSError as error:
        raise SigningKeyError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise SigningKeyError(f"{path} holds no PEM key without a passphrase.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} holds a key that is not Ed25519.")
    return Signer(key)


def make_key_file(path: Path) -> bool:
    """Write a new key that only the owner can read; false if there is a file already."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    # Whole before it has its name: others may start at the same time, and read it.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        with suppress(FileExistsError):
            os.link(draft, path)
            return True
        return False
    finally:
        draft.unlink()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
