"""Which entries of a builder's cache go, what that frees, and what it will cost."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from buildkit.caching.matching import Recorded, alike
from buildkit.caching.usage import Entry
from buildkit.model import StepState
from buildkit.times import NANOSECONDS

HISTORY = timedelta(days=28)
"""How far back local records are counted; a week's hits are a quarter of theirs."""

BASELINE_RUNS = 20
_WEEKS = HISTORY / timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Worth:
    """What an entry is good for: the step's baseline in seconds, and the hits of a week.

    ``seconds`` is ``None`` where no run of the step is on record.
    """

    seconds: float | None
    hits_a_week: float

    @property
    def cost_seconds(self) -> float | None:
        """Seconds that next week's builds will spend without it; nobody missing it costs none."""
        if not self.hits_a_week:
            return 0.0
        return None if self.seconds is None else self.seconds * self.hits_a_week


@dataclass(frozen=True, slots=True)
class Going:
    """An entry that goes, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What goes, leaf first.

    ``freed_bytes`` are of entries that no image shares; ``cost_seconds`` is of the entries whose
    worth is known, and ``unknown`` counts the others. ``over_bytes`` is by how much the limit is
    still exceeded, by what is in use, or is below something that is.
    """

    going: tuple[Going, ...]
    freed_bytes: int
    kept_bytes: int
    over_bytes: int
    cost_seconds: float
    unknown: int


def plan(
    entries: Iterable[Entry],
    *,
    now: datetime,
    older_than: timedelta | None = None,
    max_used_bytes: int | None = None,
    worth: Mapping[str, Worth],
) -> PrunePlan:
    """Choose what goes: all that was not used for a time, then the least recently used over a size.

    An entry goes only after all that stand on it; what is in use stays, and so does all below it.
    A size limit is of bytes that no image shares, as pruning the others frees nothing.
    """
    tree = _Tree(entries)
    going = tree.shed(older_than, now) if older_than is not None else []
    if max_used_bytes is not None:
        going += tree.shrink(max_used_bytes)
    costs = [worth[item.entry.id].cost_seconds for item in going if item.entry.id in worth]
    known = [cost for cost in costs if cost is not None]
    kept = tree.private_bytes
    return PrunePlan(
        going=tuple(going),
        freed_bytes=sum(_private_bytes(item.entry) for item in going),
        kept_bytes=kept,
        over_bytes=max(0, kept - max_used_bytes) if max_used_bytes is not None else 0,
        cost_seconds=sum(known),
        unknown=len(going) - len(known),
    )


def leaves_first(entries: Iterable[Entry], chosen: Iterable[str]) -> tuple[Entry, ...]:
    """Return the chosen entries and all that stand on them, each after those that stand on it."""
    by_id = {entry.id: entry for entry in entries}
    children = _children(by_id.values())
    waiting, found = [name for name in chosen if name in by_id], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += children[name]
    tree = _Tree(by_id[name] for name in by_id if name in found)
    return tuple(item.entry for item in tree.take_all())


def worth_of(
    entries: Iterable[Entry], steps: Iterable[Recorded], now: datetime
) -> dict[str, Worth]:
    """Return what each entry that steps on record look like is worth.

    The hits of the last 28 days are of all these steps; the baseline is the median of their last
    20 runs.
    """
    return {
        identifier: _worth(same, now) for identifier, same in alike(entries, tuple(steps)).items()
    }


def _worth(same: Iterable[Recorded], now: datetime) -> Worth:
    since = (now - HISTORY).timestamp() * NANOSECONDS
    newest = sorted(same, key=lambda item: item.build.started_ns or 0, reverse=True)
    hits = sum(
        item.step.state is StepState.CACHED and (item.build.started_ns or 0) >= since
        for item in newest
    )
    runs = [item.step.busy_seconds for item in newest if item.step.state is StepState.EXECUTED]
    seconds = median(runs[:BASELINE_RUNS]) if runs else None
    return Worth(seconds, hits / _WEEKS)


def _private_bytes(entry: Entry) -> int:
    return 0 if entry.shared else entry.bytes


def _children(entries: Iterable[Entry]) -> defaultdict[str, list[str]]:
    children: defaultdict[str, list[str]] = defaultdict(list)
    for entry in entries:
        for parent in entry.parents:
            children[parent].append(entry.id)
    return children


class _Tree:
    """Entries of which leaves are taken one by one, the least recently used first."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._left = {entry.id: entry for entry in entries}
        self._children = Counter[str](
            parent for entry in self._left.values() for parent in set(entry.parents)
        )
        self.private_bytes = sum(map(_private_bytes, self._left.values()))

    def shed(self, older_than: timedelta, now: datetime) -> list[Going]:
        """Take what was last used before that time, as far as nothing younger stands on it."""
        reason = f"not used for {_words(older_than)}"
        return [
            Going(entry, reason)
            for entry in self._take(lambda entry: now - entry.touched_at >= older_than)
        ]

    def shrink(self, limit_bytes: int) -> list[Going]:
        """Take leaves until no more than the limit is left."""
        return [
            Going(entry, "over the size limit, and the least recently used")
            for entry in self._take(lambda entry: not entry.shared, limit_bytes)
        ]

    def take_all(self) -> list[Going]:
        """Take everything, also what is in use, which the builder itself refuses to remove."""
        return [Going(entry, "") for entry in self._take(lambda entry: True, in_use=True)]

    def _take(
        self,
        may_go: Callable[[Entry], bool],
        limit_bytes: int | None = None,
        *,
        in_use: bool = False,
    ) -> Iterator[Entry]:
        """Yield leaves that may go, in the order of their last use, until the limit is kept."""
        heap = [
            (entry.touched_at, entry.id)
            for entry in self._left.values()
            if not self._children[entry.id]
        ]
        heapq.heapify(heap)
        while heap and (limit_bytes is None or self.private_bytes > limit_bytes):
            entry = self._left[heapq.heappop(heap)[1]]
            if (entry.in_use and not in_use) or not may_go(entry):
                continue
            yield self._remove(entry)
            for parent in set(entry.parents) & self._left.keys():
                if not self._children[parent]:
                    heapq.heappush(heap, (self._left[parent].touched_at, parent))

    def _remove(self, entry: Entry) -> Entry:
        del self._left[entry.id]
        self._children.subtract(set(entry.parents))
        self.private_bytes -= _private_bytes(entry)
        return entry


def _words(duration: timedelta) -> str:
    for name, unit in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if duration >= unit and duration % unit == timedelta():
            count = duration // unit
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{duration.total_seconds():.0f} seconds"
