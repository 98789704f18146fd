"""What a source recommends, before it is kept."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import md5

from builds.models import Service
from recommendations.models import Kind, Unit

WINDOW = timedelta(days=28)
WEEKS = WINDOW / timedelta(days=7)
"""How far back builds are looked at, and what their sums are divided by."""


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
        name = f"{self.kind.value}\n{self.key}"
        return md5(name.encode(), usedforsecurity=False).hexdigest()
