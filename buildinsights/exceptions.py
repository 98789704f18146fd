"""The base of all expected refusals."""


class DomainError(Exception):
    """An expected refusal: ``code`` is the contract, ``message`` the sentence for people."""

    code = "refused"
    message = "This is not possible."
    status_code = 409

    def __init__(self, message: str = "", **context: object) -> None:
        super().__init__(message or self.message)
        self.context = context
