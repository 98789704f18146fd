"""Statements, whichever format they were in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """What is stated of a vulnerability in a product; OpenVEX's words."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True)
class Product:
    """What a statement is about: an image, a package, or a package in an image.

    What is empty is not said. ``is_known`` tells whether the product itself could be told, as an
    image or a package; ``is_part_known`` whether the package in it could, if one is named.
    """

    name: str
    package: str = ""
    version: str = ""
    image: str = ""
    image_digest: str = ""
    is_known: bool = True
    is_part_known: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """One vulnerability of some products. ``said`` is on impact, or on what to do."""

    vulnerability: str
    aliases: tuple[str, ...]
    products: tuple[Product, ...]
    status: Status
    justification: str = ""
    said: str = ""
    stated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Statements of one author; ``identifier`` is the same in all versions, empty if not given."""

    format: str
    identifier: str
    version: int
    author: str
    issued_at: datetime | None
    statements: tuple[Statement, ...]
    problems: tuple[str, ...] = ()
