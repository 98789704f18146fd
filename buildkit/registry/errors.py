"""What can go wrong with a registry; every message names registry and reference."""


class RegistryError(Exception):
    """A registry did not do what it was asked; ``place`` is the registry or what is in it."""

    def __init__(self, place: object, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = str(place)
        self.message = message


class InvalidReferenceError(RegistryError, ValueError):
    """Text that is no reference of an image or a cache."""


class CredentialsError(RegistryError):
    """Docker's configuration or a credential helper cannot be read."""


class UnreachableError(RegistryError):
    """Nothing answers, or what answers cannot do so now: this tells nothing of the content."""


class UnauthorizedError(RegistryError):
    """The registry wants other credentials, or they do not allow this."""


class NotFoundError(RegistryError):
    """The registry has no such repository, manifest or blob."""


class DeletesDisabledError(RegistryError):
    """The registry does not let anybody delete."""


class WrongContentError(RegistryError):
    """Bytes that are not those of their digest, not what they should be, or too many."""
