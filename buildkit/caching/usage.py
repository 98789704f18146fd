"""What a builder's cache holds, as ``docker buildx du`` lists it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from buildkit.errors import ParseError
from buildkit.values import Json, as_int, as_list, as_text

_SIZE = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)([kMGTPE]?|[KMGTPE]i)B\*?")
_SCALES = {unit: 1000**power for power, unit in enumerate(("", "k", "M", "G", "T", "P", "E"))} | {
    f"{unit}i": 1024**power for power, unit in enumerate("KMGTPE", start=1)
}
_AGO = re.compile(r"(Less than a|About an?|\d+) (second|minute|hour|day|week|month|year)s? ago")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]([\d:]{8}(?:\.\d{1,6})?)\d* ?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
_FEW = {"Less than a": 0, "About a": 1, "About an": 1}
_VERBOSE_KEYS = {
    "ID": "ID",
    "Created at": "CreatedAt",
    "Mutable": "Mutable",
    "Reclaimable": "Reclaimable",
    "Shared": "Shared",
    "Size": "Size",
    "Description": "Description",
    "Usage count": "UsageCount",
    "Last used": "LastUsedAt",
    "Type": "Type",
}
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a builder's cache.

    ``bytes`` are as buildx gives them, to four digits. ``last_used_at`` is the latest moment that
    buildx's words allow ("3 days ago"), ``None`` for never. What is ``shared`` belongs to an image
    too, and its bytes stay while that does.
    """

    id: str
    parents: tuple[str, ...]
    type: str
    description: str
    bytes: int
    created_at: datetime
    last_used_at: datetime | None
    usage_count: int
    in_use: bool
    shared: bool
    mutable: bool

    @property
    def touched_at(self) -> datetime:
        """When it was used last, or made."""
        return self.last_used_at or self.created_at


@dataclass(frozen=True, slots=True)
class Usage:
    """All entries of a builder, and what they take in bytes."""

    entries: tuple[Entry, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all entries."""
        return _sum(self.entries)

    @property
    def reclaimable_bytes(self) -> int:
        """Bytes of entries that nothing uses at the moment."""
        return _sum(entry for entry in self.entries if not entry.in_use)

    @property
    def shared_bytes(self) -> int:
        """Bytes of entries that images share."""
        return _sum(entry for entry in self.entries if entry.shared)

    def by_type(self) -> dict[str, int]:
        """Return bytes by type: ``regular``, ``source.local``, ``exec.cachemount``, …"""
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in self.entries:
            sums[entry.type] += entry.bytes
        return dict(sorted(sums.items()))


def read_usage(text: str, now: datetime) -> Usage:
    """Read what ``docker buildx du`` wrote with ``--format json`` or ``--verbose`` at ``now``.

    Raises:
        ParseError: an entry has no id, size or time that can be read; the path counts entries.
    """
    is_json = text.lstrip().startswith("{")
    items = _json_items(text) if is_json else _verbose_items(text)
    return Usage(tuple(_entry(item, f"du/{number}", now) for number, item in enumerate(items)))


def read_size(text: str, path: str = "size") -> int:
    """Return the bytes of a size in decimal or binary units, such as ``10GB`` and ``10GiB``.

    Raises:
        ParseError: it is none.
    """
    found = _SIZE.fullmatch(text.strip())
    try:
        return round(float(found[1]) * _SCALES[found[2]]) if found else _no_size(text, path)
    except (ValueError, OverflowError):
        return _no_size(text, path)


def _no_size(text: str, path: str) -> int:
    raise ParseError(path, f"no size: {text[:80]!r}")


def _sum(entries: Iterable[Entry]) -> int:
    return sum(entry.bytes for entry in entries)


def _json_items(text: str) -> Iterator[Json]:
    for number, line in enumerate(text.splitlines()):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"du/{number}", f"not JSON: {error}") from error
        if not isinstance(item, dict):
            raise ParseError(f"du/{number}", "expected a JSON object")
        yield item


def _verbose_items(text: str) -> Iterator[Json]:
    """Yield the blocks that begin with an ID; the totals at the end are none."""
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith("ID:"):
            yield _block(block)


def _block(text: str) -> Json:
    item: Json = {"Parents": []}
    for line in text.splitlines():
        if line.startswith(" - "):
            item["Parents"].append(line.removeprefix(" - ").strip())
            continue
        name, _, value = line.partition(":")
        if name == "Parent":
            item["Parents"].append(value.strip())
        elif name in _VERBOSE_KEYS:
            item[_VERBOSE_KEYS[name]] = _FLAGS.get(value.strip(), value.strip())
    return item


def _entry(item: Json, path: str, now: datetime) -> Entry:
    identifier = as_text(item.get("ID")).rstrip("*")
    if not identifier:
        raise ParseError(path, "no ID")
    used = as_text(item.get("LastUsedAt"))
    return Entry(
        id=identifier,
        parents=tuple(as_text(parent) for parent in as_list(item.get("Parents"))),
        type=as_text(item.get("Type")),
        description=as_text(item.get("Description")),
        bytes=read_size(as_text(item.get("Size")), f"{path}/Size"),
        created_at=_moment(as_text(item.get("CreatedAt")), f"{path}/CreatedAt"),
        last_used_at=_used_at(used, f"{path}/LastUsedAt", now) if used else None,
        usage_count=as_int(item.get("UsageCount")) or 0,
        in_use=item.get("Reclaimable") is False,
        shared=item.get("Shared") is True,
        mutable=item.get("Mutable") is True,
    )


def _moment(text: str, path: str) -> datetime:
    """Read Go's ``2026-11-25 04:45:11.947285172 +0000 UTC``, or RFC 3339."""
    found = _TIME.match(text)
    try:
        if found is None:
            raise ValueError(text)
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3]}").astimezone(UTC)
    except ValueError as error:
        raise ParseError(path, f"no time: {text[:80]!r}") from error


def _used_at(text: str, path: str, now: datetime) -> datetime:
    found = _AGO.fullmatch(text)
    if found is None:
        return _moment(text, path)
    count = _FEW[found[1]] if found[1] in _FEW else int(found[1])
    return now - timedelta(seconds=count * _SECONDS[found[2]])
