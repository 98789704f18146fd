"""A bill of materials, whatever its format was."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Package:
    """A package that a bill lists.

    ``ecosystem`` is the type of its package URL; empty where there is none that is valid, and
    ``name`` is then as the bill has it.
    """

    ref: str
    """By which other entries of the bill name it."""
    ecosystem: str
    namespace: str
    name: str
    version: str
    """With the epoch of a distribution's package, wherever the bill has it."""
    purl: str = ""
    licences: tuple[str, ...] = ()
    supplier: str = ""
    is_direct: bool | None = None
    """Whether something that is no package needs it; ``None`` if the bill does not tell."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What stays the same of it from version to version."""
        return (self.ecosystem, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Sbom:
    """One document. ``digests`` are those by which its image may be known, the surest first."""

    format: str
    """``spdx`` or ``cyclonedx``."""
    spec_version: str
    name: str
    created_at: datetime | None
    tools: tuple[str, ...]
    digests: tuple[str, ...]
    packages: tuple[Package, ...]
    is_attested: bool = False
    """Whether it came in an attestation."""
    is_signed: bool = False
    """Whether that has a signature, of whomever."""
    subjects: tuple[str, ...] = ()
    """Digests that the attestation is of."""
    problems: tuple[str, ...] = ()
    edges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each entry needs or holds, by references."""
