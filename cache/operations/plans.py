"""What an operation plans, and how kinds of operations do it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from audit.services import System
from builds.masking import mask_secrets
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
        """Return what people see as JSON, masked, and cut where nobody reads on."""
        rows = [[mask_secrets(cell) for cell in row] for row in self.rows[:SHOWN_ROWS]]
        return {
            "summary": self.summary,
            "columns": list(self.columns),
            "rows": rows,
            "rows_total": len(self.rows),
            "notes": [mask_secrets(note) for note in self.notes[:SHOWN_ROWS]],
        }


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


class Confirmed(System):
    """Whoever has confirmed an operation, of which another one follows."""

    def __init__(self, name: str) -> None:
        self.actor_name = name or System.actor_name


class OnBehalf(System):
    """The product, doing what somebody has confirmed, or what a policy says."""

    def __init__(self, name: str) -> None:
        is_person = name not in ("", System.actor_name)
        self.actor_name = f"{System.actor_name} for {name}" if is_person else System.actor_name
