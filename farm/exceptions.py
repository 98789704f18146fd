"""What can be refused of a build that is asked for."""

from buildinsights.exceptions import DomainError


class NoSourceError(DomainError):
    """The service says nothing of where its code is."""

    code = "no_source"
    message = "This service has no source yet: say where its code is first."


class NotCancelableError(DomainError):
    """Only what is queued or runs here can be canceled."""

    code = "not_cancelable"
    message = "Only a build that this server has queued or runs can be canceled."


class NotRetryableError(DomainError):
    """Only what this server started, and what has ended, can be tried again."""

    code = "not_retryable"
    message = "Only a build that this server started, and that has ended, can be tried again."


class CycleError(DomainError):
    """Services that need each other."""

    code = "cycle"
    message = "These services need each other."


class PushError(DomainError):
    """A push webhook's body that is not what those systems send."""

    code = "push"
    message = "This is no push event."
    status_code = 400
