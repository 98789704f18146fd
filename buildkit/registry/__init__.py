"""A client of the OCI distribution API: what registries hold, and changes of it."""

from buildkit.registry.client import Manifest, Registry
from buildkit.registry.credentials import Credentials, credentials_for
from buildkit.registry.errors import (
    CredentialsError,
    DeletesDisabledError,
    InvalidReferenceError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
    WrongContentError,
)
from buildkit.registry.reference import Reference, canonical
from buildkit.registry.transport import RegistryLimits

__all__ = [
    "Credentials",
    "CredentialsError",
    "DeletesDisabledError",
    "InvalidReferenceError",
    "Manifest",
    "NotFoundError",
    "Reference",
    "Registry",
    "RegistryError",
    "RegistryLimits",
    "UnauthorizedError",
    "UnreachableError",
    "WrongContentError",
    "canonical",
    "credentials_for",
]
