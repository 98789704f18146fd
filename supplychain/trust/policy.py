"""A trust policy: whose signatures count, what was to be built where, and what must be attested."""

from dataclasses import dataclass
from datetime import datetime

ANY: tuple[str, ...] = ()
"""Of a list of patterns: everything is allowed."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: itself in PEM, or where it is. It counts from one moment to another."""

    id: str
    public_key: str = ""
    reference: str = ""
    """A KMS address or a file."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked_at: datetime | None = None
    revoked_because: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a certificate of Fulcio must name, and who must have vouched for that."""

    id: str
    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What an image must have; ``signatures`` are by so many different signers."""

    signatures: int = 1
    provenance: bool = True
    sbom: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """What may be deployed to an environment. An empty list of patterns allows everything."""

    name: str
    signers: tuple[str, ...]
    builders: tuple[str, ...] = ANY
    repositories: tuple[str, ...] = ANY
    refs: tuple[str, ...] = ANY
    needs: Needs = Needs()


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy; with ``transparency_log`` signatures count only if a log has them."""

    keys: tuple[Key, ...]
    identities: tuple[Identity, ...]
    environments: tuple[Environment, ...]
    transparency_log: bool = False

    @property
    def signers(self) -> tuple[Key | Identity, ...]:
        """All that may be named as signers."""
        return (*self.keys, *self.identities)

    def environment(self, name: str) -> Environment | None:
        """Return what holds for an environment; ``None`` if the policy does not name it."""
        return next((item for item in self.environments if item.name == name), None)
