"""How evidence is put in words."""

from buildkit.secret_names import SECRET_NAME

LENGTH = 200
"""Longer values are cut."""


def was_and_is(name: str, before: str | None, after: str | None) -> str:
    """Return ``NAME: old before, new now``; of a name that is a secret's, without values."""
    if SECRET_NAME.search(name):
        return f"{name} has another value"
    return f"{name}: {shortened(before)} before, {shortened(after)} now"


def shortened(text: str | None) -> str:
    """Return a value that fits into a sentence."""
    if text is None:
        return "none"
    return text if len(text) <= LENGTH else f"{text[:LENGTH]}…"
