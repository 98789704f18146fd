"""What can be refused of an upload or about a payload."""

from buildinsights.exceptions import DomainError


class IdempotencyConflictError(DomainError):
    """The key came before, with other bytes."""

    code = "idempotency_conflict"
    message = "This Idempotency-Key was used before for an upload with other bytes."


class NotReplayableError(DomainError):
    """Only what failed can be replayed or dismissed."""

    code = "not_failed"
    message = "Only a failed payload can be replayed or dismissed."
