"""Which files of a context a step copies, and which of them changed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

SHOWN = 10
"""Names in a sentence; the others are counted."""

Files = Mapping[str, str]
"""Path in the context to a digest of content and mode."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths that are new, that have other content or mode, and that are gone; sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence for each kind of change."""
        kinds = (("Changed", self.changed), ("Added", self.added), ("Removed", self.removed))
        return tuple(f"{word}: {_listed(paths)}" for word, paths in kinds if paths)


def changed_files(before: Files, after: Files, patterns: Iterable[str]) -> Changes:
    """Return what changed of the files that the patterns of a ``COPY`` match."""
    matches = [_matcher(pattern) for pattern in patterns]
    paths = {
        path
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path) and any(match.match(path) for match in matches)
    }
    return Changes(
        added=tuple(sorted(path for path in paths if path not in before)),
        changed=tuple(sorted(path for path in paths if path in before and path in after)),
        removed=tuple(sorted(path for path in paths if path not in after)),
    )


def patterns_of(instruction: str) -> list[str]:
    """Return the sources of a ``COPY`` or ``ADD`` as it is written, where nothing else tells."""
    words = [word for word in instruction.split()[1:] if not word.startswith("--")]
    return words[:-1]


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    """Match a path, or whatever lies below it, as Go's ``filepath.Match`` does a component."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not parts:
        return re.compile(".*", re.DOTALL)
    return re.compile("/".join(map(_component, parts)) + r"(?:/.*)?\Z", re.DOTALL)


def _component(part: str) -> str:
    pieces = re.findall(r"\\.|\[[^\]]*\]|[*?]|[^*?\[\\]+|.", part, re.DOTALL)
    return "".join(_piece(piece) for piece in pieces)


def _piece(piece: str) -> str:
    if piece in ("*", "?"):
        return f"[^/]{'*' if piece == '*' else ''}"
    if piece.startswith("[") and len(piece) > 2:
        inner = piece[1:-1].replace("\\", "\\\\")
        return f"[{inner}]"
    return re.escape(piece.removeprefix("\\") or piece)


def _listed(paths: tuple[str, ...]) -> str:
    shown = ", ".join(paths[:SHOWN])
    return shown if len(paths) <= SHOWN else f"{shown} and {len(paths) - SHOWN} more"
