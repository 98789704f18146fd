"""What can be refused about changes."""

from buildinsights.exceptions import DomainError


class NotOpenError(DomainError):
    """Only an open change can be acknowledged."""

    code = "not_open"
    message = "This change has gone back, or somebody has acknowledged it."
