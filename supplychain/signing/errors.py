"""What can go wrong with signing and checking; ``code`` is stable, the message is for people."""


class SigningError(Exception):
    """cosign could not do what it was asked; this tells nothing of a signature."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CosignMissingError(SigningError):
    """There is no cosign on PATH."""

    def __init__(self) -> None:
        super().__init__(
            "cosign-missing",
            "cosign is not on PATH. It signs images and checks signatures;"
            " https://docs.sigstore.dev/cosign/system_config/installation/ tells how to get it.",
        )
