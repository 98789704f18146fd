"""What a source recommends, before it is kept."""

from dataclasses import dataclass
from hashlib import md5

from builds.models import Service
from recommendations.models import Kind, Unit


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing to do, as ``Recommendation`` keeps it; ``key`` names it within its kind."""

    kind: Kind
    key: str
    title: str
    unit: Unit
    worth: float
    why: tuple[str, ...]
    how: tuple[str, ...]
    service: Service | None = None
    target: str = ""
    variant: str = ""
    diff: str = ""
    page: str = ""
    low: float | None = None
    high: float | None = None
    is_upper_bound: bool = False
    builds: int = 0
    examples: tuple[str, ...] = ()
    measure: str = ""

    @property
    def digest(self) -> str:
        """What names it in its project."""
        return digest_of(self.kind, self.key)


def digest_of(kind: Kind, key: str) -> str:
    """Return what names a recommendation of a kind in its project."""
    return md5(f"{kind.value}\n{key}".encode(), usedforsecurity=False).hexdigest()
