"""One name for an instruction over many builds, however a builder writes it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from builds.layerview import LayerRow

MOST_CHARACTERS = 500
"""Of a name; longer ones are cut."""

_PLACE = re.compile(r"^\[[^\]]*\]\s*")
_SHELL = re.compile(r"^(?:RUN\s+)?(?:\|\d+\s.*?)?/bin/sh -c\s+")
_NOP = re.compile(r"^#\(nop\)\s+")
_BUILDKIT = re.compile(r"\s*# buildkit$")
_HASH = re.compile(r"\b(?:sha256:)?[0-9a-f]{32,}\b")
_FROM = re.compile(r"^FROM\s+(?:--platform=\S+\s+)?(\S+)")
_TAG = re.compile(r":[\w][\w.-]*$")
_KIND = re.compile(r"^[A-Z]{2,}\b")


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


def normalised(text: str) -> str:
    """Return an instruction without what changes from build to build.

    Without stage and place, shell, values of build arguments, digests; of a base image without
    its tag as well, so that a new base is a change of the same instruction.
    """
    text = _BUILDKIT.sub("", _PLACE.sub("", " ".join(text.split())))
    is_shell = _SHELL.match(text)
    text = _SHELL.sub("", text)
    if _NOP.match(text):
        text = _NOP.sub("", text)
    elif is_shell:
        text = f"RUN {text}"
    if base := _FROM.match(text):
        return f"FROM {_TAG.sub('', base[1].partition('@')[0])}"
    return _HASH.sub("…", text)


def kind_of(key: str) -> str:
    """Return the keyword of a normalised instruction; empty if it is not known."""
    found = _KIND.match(key)
    return found[0] if found else ""


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
        name = _shown(row.instruction)[:MOST_CHARACTERS] or key
        parts[key] = Part(key, name, position, size, row.digest)


def _shown(name: str) -> str:
    """Return an instruction as it is written, but for its place and the digest of a base."""
    name = _BUILDKIT.sub("", _PLACE.sub("", name))
    return name.partition("@")[0] if _FROM.match(name) else name


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
