"""What can be refused of an update that is to be tried."""

from buildinsights.exceptions import DomainError


class NotOfferedError(DomainError):
    """Only what is proposed is tried: whoever may ask for builds may not choose what runs."""

    code = "not_offered"
    message = "This is neither proposed for this service nor an alternative of its base."
