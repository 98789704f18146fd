"""Labels of services, such as ``team=payments``: how they are written, read and shown."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from buildinsights.exceptions import DomainError

MOST_LABELS = 20
LONGEST_PART = 63
LONGEST_LABEL = 2 * LONGEST_PART + 1

# ASCII alone: two labels that look the same are the same.
KEY = re.compile(r"[a-z0-9]([a-z0-9._/-]*[a-z0-9])?")
VALUE = re.compile(r"[A-Za-z0-9._-]([A-Za-z0-9._ -]*[A-Za-z0-9._-])?")

HELP = "Such as team=payments, by commas."


class BadLabelError(DomainError):
    """A text is no label, or there are too many of them."""

    code = "bad_label"
    message = "This is no label."
    status_code = 400


def read_labels(text: str) -> dict[str, str]:
    """Return the labels of a text, which has them by commas or one a line.

    Raises:
        BadLabelError: one of them is none, or a key has two values; the message names it.
    """
    return labels_of(filter(None, (part.strip() for part in re.split(r"[,\r\n]", text))))


def labels_of(texts: Iterable[str]) -> dict[str, str]:
    """Return labels that are written as ``key=value`` each, by key.

    Raises:
        BadLabelError: as ``read_labels``.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not sign:
            raise BadLabelError(f"“{text}” is no label: write key=value.")
        if found.setdefault(key, value) != value:
            raise BadLabelError(f"“{key}” has two values: {found[key]} and {value}.")
    return checked(found)


def checked(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return labels in the order of their keys.

    Raises:
        BadLabelError: they are none, or too many.
    """
    if len(labels) > MOST_LABELS:
        raise BadLabelError(f"{MOST_LABELS} labels at most.")
    for key, value in labels.items():
        if len(key) > LONGEST_PART or not KEY.fullmatch(key):
            raise BadLabelError(
                f"“{key}” is no key of a label: {LONGEST_PART} small letters, digits and ._/- at "
                "most, a letter or digit first and last."
            )
        if not isinstance(value, str) or len(value) > LONGEST_PART or not VALUE.fullmatch(value):
            raise BadLabelError(
                f"“{value}” is no value of {key}: {LONGEST_PART} letters, digits and ._- at most, "
                "with spaces only inside."
            )
    return dict(sorted(labels.items()))


def written(labels: Mapping[str, str]) -> list[str]:
    """Return labels as people write them, by key."""
    return [f"{key}={value}" for key, value in sorted(labels.items())]
