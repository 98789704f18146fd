"""What went from a builder's cache between two builds, as far as anybody noted it."""

from collections.abc import Iterable
from dataclasses import dataclass

from buildkit.caching.matching import is_of
from buildkit.model import Step

SHOWN = 3
"""Entries of one step that are told of."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One entry that went: ``description`` is the builder's, ``text`` says when and how."""

    description: str
    text: str


def told_of(step: Step, removals: Iterable[Removal]) -> tuple[str, ...]:
    """Return the sentences about entries that look like a step's result."""
    return tuple(item.text for item in removals if is_of(item.description, step))[:SHOWN]
