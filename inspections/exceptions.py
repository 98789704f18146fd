"""Refusals of this app."""


class DocumentError(Exception):
    """Everything that is wrong with a document, by its place."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {text}" for place, text in errors.items()))
        self.errors = errors
