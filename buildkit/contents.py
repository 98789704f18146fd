"""What an image holds that need not be there: files that later layers hide, development tools."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from buildkit.devtools import ToolKind, kind_of_path
from buildkit.errors import TooLargeError
from buildkit.layers import Entry

MOST_WASTED = 50
"""Files that are named, those with most bytes."""

MOST_FOLDERS = 1_000_000
"""Directories: a single name may lead through thousands of them."""

MOST_VISITS = 20_000_000
"""Files and directories that removals may look at, so that hostile layers cost little."""


class Reason(StrEnum):
    """What a later layer does to a file."""

    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Waste:
    """A file of ``layer`` that the layer ``by`` hides; its bytes are pulled for nothing."""

    path: str
    bytes: int
    reason: Reason
    layer: int
    by: int


@dataclass(frozen=True, slots=True)
class Tool:
    """A development tool that the image has in the end; ``path`` is its largest file."""

    name: str
    why: str
    bytes: int
    files: int
    path: str
    layer: int


@dataclass(frozen=True, slots=True)
class Contents:
    """Bytes are those of files, not compressed; a layer is named by its place from the bottom."""

    total_bytes: int
    wasted_bytes: int
    wasted: tuple[Waste, ...]
    tools: tuple[Tool, ...]


@dataclass(slots=True)
class _File:
    """The bytes of a file, which may have several names."""

    size: int
    layer: int
    names: int = 1


type _Node = _File | dict[str, "_Node"]


@dataclass(slots=True)
class _Found:
    kind: ToolKind
    layer: int
    bytes: int = 0
    files: int = 0
    largest: tuple[int, str] = (-1, "")


@dataclass(slots=True)
class ContentsBuilder:
    """Takes the layers of an image from the bottom up."""

    _root: dict[str, _Node] = field(default_factory=dict)
    _layer: int = -1
    _total: int = 0
    _wasted: int = 0
    _visits: int = 0
    _folders: int = 0
    _largest: list[tuple[int, int, Waste]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)

    def add(self, entries: Iterable[Entry], place: str) -> None:
        """Put a layer on those that are known.

        Raises:
            ParseError: whatever reading the entries raises.
            TooLargeError: naming ``place``: it has too many directories, or removes too much.
        """
        self._layer += 1
        for entry in entries:
            if entry.removes or entry.opaque:
                self._remove(entry, place)
            else:
                self._put(entry, place)

    def contents(self) -> Contents:
        """Return what was found in all layers."""
        largest = sorted(self._largest, key=lambda item: (-item[0], item[2].path))
        return Contents(
            self._total, self._wasted, tuple(waste for *_, waste in largest), self._tools()
        )

    def _put(self, entry: Entry, place: str) -> None:
        folder, name = self._folder(entry.path, place)
        old = folder.get(name)
        if entry.is_dir and isinstance(old, dict):
            return
        if old is not None:
            self._hide(old, entry.path, Reason.REPLACED, place, also_own=True)
        if entry.is_dir:
            folder[name] = self._new_folder(place)
        elif entry.link:
            self._link(folder, name, entry)
        else:
            folder[name] = _File(entry.size, self._layer)
            self._total += entry.size

    def _link(self, folder: dict[str, _Node], name: str, entry: Entry) -> None:
        """Give a file another name; a link to what is not there is an empty file."""
        known = self._find(entry.link)
        if isinstance(known, _File):
            known.names += 1
            folder[name] = known
        else:
            folder[name] = _File(0, self._layer)

    def _folder(self, path: str, place: str) -> tuple[dict[str, _Node], str]:
        """Return the directory of a path, which is made if need be, and the name in it."""
        *parents, name = path.split("/")
        folder = self._root
        for depth, part in enumerate(parents, 1):
            below = folder.get(part)
            if not isinstance(below, dict):
                if below is not None:
                    here = "/".join(parents[:depth])
                    self._hide(below, here, Reason.REPLACED, place, also_own=True)
                below = folder[part] = self._new_folder(place)
            folder = below
        return folder, name

    def _new_folder(self, place: str) -> dict[str, "_Node"]:
        self._folders += 1
        if self._folders > MOST_FOLDERS:
            raise TooLargeError(place, f"more than {MOST_FOLDERS} directories")
        return {}

    def _find(self, path: str) -> _Node | None:
        node: _Node | None = self._root
        for part in path.split("/") if path else ():
            node = node.get(part) if isinstance(node, dict) else None
        return node

    def _remove(self, entry: Entry, place: str) -> None:
        """Hide what layers below have at a path; what this layer has there stays."""
        node = self._find(entry.path)
        if node is None or (isinstance(node, _File) and (entry.opaque or not self._is_old(node))):
            return
        self._hide(node, entry.path, Reason.REMOVED, place, also_own=False)
        if not entry.opaque and (node == {} or isinstance(node, _File)):
            folder, name = self._folder(entry.path, place)
            del folder[name]

    def _is_old(self, node: _Node) -> bool:
        return isinstance(node, _File) and node.layer < self._layer

    def _hide(self, node: _Node, path: str, reason: Reason, place: str, *, also_own: bool) -> None:
        """Count the files at and below a node as wasted, and take them out of directories."""
        waiting: list[tuple[_Node, str]] = [(node, path)]
        while waiting:
            node, path = waiting.pop()
            self._visits += 1
            if self._visits > MOST_VISITS:
                raise TooLargeError(place, f"its removals look at more than {MOST_VISITS} files")
            if isinstance(node, _File):
                self._waste(node, path, reason)
                continue
            for name, child in list(node.items()):
                if isinstance(child, dict):
                    waiting.append((child, f"{path}/{name}".lstrip("/")))
                elif also_own or self._is_old(child):
                    waiting.append((child, f"{path}/{name}".lstrip("/")))
                    del node[name]

    def _waste(self, file: _File, path: str, reason: Reason) -> None:
        """Count a file of which the last name goes."""
        file.names -= 1
        if file.names or not file.size:
            return
        self._wasted += file.size
        waste = Waste(path, file.size, reason, file.layer, self._layer)
        item = (file.size, next(self._order), waste)
        if len(self._largest) < MOST_WASTED:
            heapq.heappush(self._largest, item)
        else:
            heapq.heappushpop(self._largest, item)

    def _files(self) -> Iterator[tuple[str, _File]]:
        """Yield the files that the image has in the end, one of several names each."""
        seen: set[int] = set()
        waiting: list[tuple[dict[str, _Node], str]] = [(self._root, "")]
        while waiting:
            folder, path = waiting.pop()
            for name, node in folder.items():
                here = f"{path}/{name}" if path else name
                if isinstance(node, dict):
                    waiting.append((node, here))
                elif id(node) not in seen:
                    if node.names > 1:
                        seen.add(id(node))
                    yield here, node

    def _tools(self) -> tuple[Tool, ...]:
        found: dict[tuple[str, int], _Found] = {}
        for path, file in self._files():
            if kind := kind_of_path(path):
                tool = found.setdefault((kind.name, file.layer), _Found(kind, file.layer))
                tool.bytes += file.size
                tool.files += 1
                tool.largest = max(tool.largest, (file.size, path))
        tools = (
            Tool(row.kind.name, row.kind.why, row.bytes, row.files, row.largest[1], row.layer)
            for row in found.values()
        )
        return tuple(sorted(tools, key=lambda tool: (-tool.bytes, tool.name, tool.layer)))
