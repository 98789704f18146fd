"""What can be refused about accounts."""

from buildinsights.exceptions import DomainError


class LastAdministratorError(DomainError):
    """A project would be left without anybody who can manage it."""

    code = "last_administrator"
    message = "A project needs at least one administrator: name another one first."
