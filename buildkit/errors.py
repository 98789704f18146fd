"""The errors that decoders raise."""


class ParseError(ValueError):
    """Input that cannot be read, with the place in it.

    ``path`` names the place in the sender's own terms, from the outside in, e.g.
    ``record/index.json/manifests[0]`` or ``progress/line 12``.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class TooLargeError(ParseError):
    """Input that is, or unpacks to, more than the limits allow."""
