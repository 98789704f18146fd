"""What every kind of channel is: what it needs to know, and how it tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationInfo

from channels import outbound
from channels.contract import DeliveryError, Message, Receipt


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way through one channel; ``id`` is the same at each try.

    ``left`` are those that it goes to alone, if others have it already.
    """

    id: UUID
    channel_id: UUID
    project: str
    message: Message
    created_at: datetime
    left: tuple[str, ...] = ()


class NothingToTellError(Exception):
    """The message says nothing to whoever is at the other end; it is not tried again."""


class KindSettings(BaseModel):
    """What a kind needs to know. Fields of ``SecretStr`` are sealed, and never shown again."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)
    made: ClassVar[frozenset[str]] = frozenset()
    """Fields that nobody enters, as they are made here."""
    leads: ClassVar[frozenset[str]] = frozenset()
    """Fields that say where the secrets go: with another value these are asked for again."""

    @classmethod
    def secret_names(cls) -> frozenset[str]:
        """Return the fields that are sealed."""
        return frozenset(
            name for name, field in cls.model_fields.items() if _holds_secrets(field.annotation)
        )


def _holds_secrets(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secrets, get_args(annotation)))


class Kind(Protocol):
    """One kind of channel."""

    label: str
    settings_model: type[Any]
    """A ``KindSettings``: its fields are those of the form and of the API."""

    def destination(self, settings: Any) -> str:
        """Say where it leads, as far as anybody may know."""
        ...

    def send(self, settings: Any, outgoing: Outgoing) -> Receipt:
        """Tell, and return what the other side said.

        Raises:
            DeliveryError: it was not taken, now or (``PermanentDeliveryError``) ever.
            NothingToTellError: it is none of its business.
        """
        ...


STORED = {"is_stored": True}
"""Context of settings that were checked when they were saved, and are again when they are used."""


def _may_be_asked[Url: (str, SecretStr)](url: Url, info: ValidationInfo) -> Url:
    if info.context is STORED:
        return url
    try:
        outbound.check(url.get_secret_value() if isinstance(url, SecretStr) else url)
    except DeliveryError as error:
        raise ValueError(str(error)) from None
    return url


Address = Annotated[str, AfterValidator(_may_be_asked)]
"""An address that requests may go to."""
SecretAddress = Annotated[SecretStr, AfterValidator(_may_be_asked)]
"""One that lets whoever knows it write: a webhook."""
