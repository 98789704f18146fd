"""One name for an instruction over many builds, however a builder writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from buildkit.instructions import as_written, kind_of, normalised
from builds.layerview import LayerRow

MOST_CHARACTERS = 500
"""Of a name; longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one instruction adds to an image.

    ``key`` is the same in each build that has the instruction; ``name`` is how this one writes it.
    """

    key: str
    name: str
    position: int
    size_bytes: int
    digest: str = ""
    """Of its last layer."""

    @property
    def kind(self) -> str:
        """The instruction's keyword; empty if it is not known."""
        return kind_of(self.key)


def parts_of(rows: Sequence[LayerRow]) -> list[Part] | None:
    """Return what each instruction adds, bottom first; ``None`` if a layer's size is not known.

    All that came with the base image is one part. Instructions that read the same are one part,
    too. A layer whose instruction is not known goes by its place.
    """
    base = [row for row in rows if row.base]
    own = [row for row in rows if not row.base and not row.empty]
    sizes = [row.size_bytes for row in (*base, *own)]
    if (not own and not base) or None in sizes:
        return None
    parts: dict[str, Part] = {}
    if base:
        size = sum(row.size_bytes or 0 for row in base)
        _add(parts, replace(base[-1], instruction=base[0].base, size_bytes=size), 0)
    for position, row in enumerate(own, 1):
        _add(parts, row, position)
    return list(parts.values())


def _add(parts: dict[str, Part], row: LayerRow, position: int) -> None:
    key = normalised(row.instruction)[:MOST_CHARACTERS] or f"layer {position}"
    size, known = row.size_bytes or 0, parts.get(key)
    if known:
        parts[key] = replace(known, size_bytes=known.size_bytes + size, digest=row.digest)
    else:
        name = as_written(row.instruction)[:MOST_CHARACTERS] or key
        parts[key] = Part(key, name, position, size, row.digest)


def named_as_before(parts: Sequence[Part], known: Mapping[str, tuple[str, str]]) -> list[Part]:
    """Return parts of which those without an instruction have that of the same layer before.

    ``known`` has key and name by digest. A builder does not always record which step a layer is of.
    """
    taken = {part.key for part in parts}
    found = []
    for part in parts:
        key, name = known.get(part.digest, ("", ""))
        is_named = part.kind or not key or key in taken
        found.append(part if is_named else replace(part, key=key, name=name))
    return found
