"""What matters of the files that an image has in the end, layer by layer from the bottom up."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from buildkit.errors import TooLargeError
from buildkit.layers import Entry

MOST_NODES = 400_000
"""Files and directories that are kept."""

MOST_VISITS = 20_000_000
"""Those that removals may look at, so that hostile layers cost little."""


@dataclass(slots=True)
class _Node:
    """A name: what is known of it, and what lies in it if it is a directory."""

    entry: Entry | None = None
    layer: int = -1
    since: int = -1
    """The layer that brought it as it is: later ones have directories again for files in them."""
    below: dict[str, "_Node"] = field(default_factory=dict)


@dataclass(slots=True)
class FinalFiles:
    """Keeps only entries that matter, so that an ordinary image takes little memory."""

    _root: _Node = field(default_factory=_Node)
    _nodes: int = 0
    _visits: int = 0

    def apply(self, entry: Entry, layer: int, place: str, *, matters: bool) -> None:
        """Put an entry of a layer on those of the layers below.

        Raises:
            TooLargeError: naming ``place``: too much matters, or removals look at too much.
        """
        if entry.removes or entry.opaque:
            self._remove(entry, layer, place)
            return
        node = self._known(entry.path, cut=True)
        if node is None:
            if not matters:
                return
            node = self._made(entry.path, place)
        if not entry.is_dir:
            node.below = {}
        if not (entry.is_dir and node.entry == entry):
            node.since = layer
        node.entry, node.layer = (entry if matters else None), layer

    def __iter__(self) -> Iterator[tuple[Entry, int]]:
        """Yield what matters in the end, with the layer that it is of."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.below.values())
            if node.entry is not None:
                yield node.entry, node.since

    def at(self, path: str) -> tuple[Entry, int] | None:
        """Return what is at a path in the end, if it matters, and its layer."""
        node = self._known(path)
        return (node.entry, node.since) if node and node.entry else None

    def _known(self, path: str, *, cut: bool = False) -> _Node | None:
        """Return the node of a path; ``cut`` has files become directories on the way."""
        node = self._root
        for part in path.split("/") if path else ():
            if cut and node.entry is not None and not node.entry.is_dir:
                node.entry = None
            below = node.below.get(part)
            if below is None:
                return None
            node = below
        return node

    def _made(self, path: str, place: str) -> _Node:
        node = self._root
        for part in path.split("/"):
            below = node.below.get(part)
            if below is None:
                self._nodes += 1
                if self._nodes > MOST_NODES:
                    raise TooLargeError(place, f"more than {MOST_NODES} files that matter")
                below = node.below[part] = _Node()
            node = below
        return node

    def _remove(self, entry: Entry, layer: int, place: str) -> None:
        """Forget what layers below have at a path; what this layer has there stays."""
        node = self._known(entry.path)
        if node is None:
            return
        waiting = [node] if entry.removes else list(node.below.values())
        while waiting:
            node = waiting.pop()
            self._visits += 1
            if self._visits > MOST_VISITS:
                raise TooLargeError(place, f"its removals look at more than {MOST_VISITS} files")
            waiting.extend(node.below.values())
            if node.layer < layer:
                node.entry = None
