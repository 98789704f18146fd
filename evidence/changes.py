"""What an event says has changed: before and after, field by field."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 2000
"""Characters of a value that a page shows."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field with what it was and what it is; ``was`` is ``None`` if only one value is known."""

    name: str
    was: str | None
    now: str

    def __str__(self) -> str:
        before = "" if self.was is None else f"{self.was} → "
        return f"{self.name}: {before}{self.now}"


def changes_of(changes: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the changes; a list of two is what was before and what came after."""
    for name, value in changes.items():
        if isinstance(value, list) and len(value) == 2:
            yield Change(name, _shown(value[0]), _shown(value[1]))
        else:
            yield Change(name, None, _shown(value))


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
