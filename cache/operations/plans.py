"""What an operation plans, and how kinds of operations do it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from audit.services import System
from cache.models import Operation

SHOWN_ROWS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done: for people a summary, a table and notes; for the worker ``items``.

    Without items there is nothing to do, and nothing to confirm.
    """

    summary: str
    columns: tuple[str, ...] = ()
    rows: Sequence[Sequence[str]] = ()
    notes: tuple[str, ...] = ()
    items: Any = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """Return it as JSON, of which the table is cut where nobody reads on."""
        rows = [list(row) for row in self.rows[:SHOWN_ROWS]]
        return asdict(self) | {"rows": rows, "rows_total": len(self.rows)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, in a sentence, and what was kept or went wrong."""

    summary: str
    told: tuple[str, ...] = ()


class Handler(Protocol):
    """One kind of operation. Both raise errors whose message is for people."""

    def plan(self, operation: Operation) -> Plan:
        """Return what would be done; changes nothing."""

    def carry_out(self, operation: Operation, actor: "OnBehalf") -> Outcome:
        """Do what is planned, and nothing else."""


class OnBehalf(System):
    """The product, doing what somebody has confirmed."""

    def __init__(self, name: str) -> None:
        self.actor_name = f"buildinsights for {name}" if name else System.actor_name
