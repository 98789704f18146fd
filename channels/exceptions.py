"""What can be refused about channels and deliveries."""

from collections.abc import Mapping

from buildinsights.exceptions import DomainError


class ChannelNameTakenError(DomainError):
    """A name means one channel."""

    code = "channel_name_taken"
    message = "There is a channel of this name in this project."


class ChannelOffError(DomainError):
    """Nothing goes through a channel that is off."""

    code = "channel_off"
    message = "This channel is off. Switch it on first."


class ChannelGoneError(DomainError):
    """What somebody deleted can neither be changed nor deleted again."""

    code = "channel_gone"
    message = "Somebody has deleted this channel meanwhile."


class NotRotatableError(DomainError):
    """Only secrets that were made here are replaced here."""

    code = "secret_not_made_here"
    message = "This kind of channel has no secret that is made here."


class TooManySecretsError(DomainError):
    """Each secret signs for as long as was promised when it was replaced."""

    code = "too_many_secrets"
    message = "Many former secrets still sign. Wait until the first of them has ended."


class NotGivenUpError(DomainError):
    """What waits is tried anyway, and what was sent is not sent again."""

    code = "delivery_not_given_up"
    message = "Only what was given up or not sent can be tried again."


class OvertakenError(DomainError):
    """What is over is not told to begin: nobody would tell of its end again."""

    code = "delivery_overtaken"
    message = "Something later about the same thing was sent through this channel."


class SettingsError(Exception):
    """Settings that cannot be: what is wrong, by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("these settings cannot be")
        self.errors = errors
