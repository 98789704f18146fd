"""Which caches of a registry have to go: those not used for long, and the least recently used of
too many. What a protected one needs never goes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

KEEP = timedelta(days=30)
LIMIT_BYTES = 10 * 10**9


@dataclass(frozen=True, slots=True)
class Held:
    """What a reference of a registry holds: a cache, or anything else that shares its blobs.

    ``repository`` and ``digest`` name the manifest: two tags of one digest go together. ``needs``
    are digests of other manifests of the repository that it is made of. What is no cache, or not
    one of those that are looked after, does not count against the limit.
    """

    reference: str
    repository: str
    digest: str
    last_used: datetime
    blobs: Mapping[str, int]
    needs: frozenset[str] = frozenset()
    is_protected: bool = False
    counts: bool = True


class Why(StrEnum):
    """Why a cache goes."""

    UNUSED = "not used for too long"
    OVER_LIMIT = "least recently used, over the limit"


@dataclass(frozen=True, slots=True)
class Removal:
    """A manifest that goes, with all references that point to it."""

    held: tuple[Held, ...]
    why: Why

    @property
    def repository(self) -> str:
        """The repository of the manifest."""
        return self.held[0].repository

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return self.held[0].digest

    @property
    def last_used(self) -> datetime:
        """When the last of its references was used last."""
        return max(item.last_used for item in self.held)


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What goes, in this order, and the bytes of blobs that nothing needs afterwards.

    ``held_bytes`` are of all that counts; ``over_bytes`` are those above the limit that cannot go,
    as what is protected needs them.
    """

    removals: tuple[Removal, ...]
    held_bytes: int
    freed: Mapping[str, int] = field(default_factory=dict)
    over_bytes: int = 0

    @property
    def freed_bytes(self) -> int:
        """Bytes that the registry's garbage collection can free."""
        return sum(self.freed.values())


def protects(patterns: Iterable[str], reference: str) -> bool:
    """Tell whether a reference matches one of the patterns, as a shell's ``*`` and ``?``."""
    return any(fnmatchcase(reference, pattern) for pattern in patterns)


def plan(
    held: Sequence[Held],
    *,
    now: datetime,
    keep: timedelta = KEEP,
    limit_bytes: int | None = LIMIT_BYTES,
) -> RetentionPlan:
    """Return which manifests go: unused for ``keep``, and then the least recently used until all
    others that count take no more than ``limit_bytes``.

    Blobs count once: a registry keeps each once, and frees it when no manifest needs it.
    """
    groups = _groups(held)
    fixed, store = _fixed(groups), _Store(groups)
    total, removals = store.counted_bytes, list[Removal]()
    candidates = [group for group in groups if _key(group[0]) not in fixed]
    for group in sorted(candidates, key=lambda group: (_last(group), _key(group[0]))):
        is_unused = _last(group) <= now - keep
        if not is_unused and (limit_bytes is None or store.counted_bytes <= limit_bytes):
            break
        removals.append(Removal(tuple(group), Why.UNUSED if is_unused else Why.OVER_LIMIT))
        store.remove(group)
    over = max(0, store.counted_bytes - limit_bytes) if limit_bytes is not None else 0
    return RetentionPlan(tuple(removals), total, store.freed, over)


class _Store:
    """Blobs by the manifests that need them, of which some count."""

    def __init__(self, groups: Sequence[Sequence[Held]]) -> None:
        self._users = Counter(digest for group in groups for digest in _blobs(group))
        counted = [group for group in groups if _counts(group)]
        self._counted = Counter(digest for group in counted for digest in _blobs(group))
        sizes = {digest: size for group in counted for digest, size in _blobs(group).items()}
        self.counted_bytes = sum(sizes.values())
        self.freed: dict[str, int] = {}

    def remove(self, group: Sequence[Held]) -> None:
        """Let nothing of a manifest be needed by it any more."""
        for digest, size in _blobs(group).items():
            self._users[digest] -= 1
            if not self._users[digest]:
                self.freed[digest] = size
            if _counts(group):
                self._counted[digest] -= 1
                self.counted_bytes -= 0 if self._counted[digest] else size


type _Key = tuple[str, str]


def _key(item: Held) -> _Key:
    return item.repository, item.digest


def _groups(held: Sequence[Held]) -> list[list[Held]]:
    """Return what is held by manifest: deleting it takes all of its tags along."""
    groups: dict[_Key, list[Held]] = {}
    for item in held:
        groups.setdefault(_key(item), []).append(item)
    return list(groups.values())


def _fixed(groups: Sequence[Sequence[Held]]) -> set[_Key]:
    """Return the manifests that are protected, or that a protected one is made of."""
    protected = [item for group in groups for item in group if item.is_protected]
    needed = {(item.repository, digest) for item in protected for digest in item.needs}
    return {_key(item) for item in protected} | needed


def _counts(group: Sequence[Held]) -> bool:
    return any(item.counts for item in group)


def _last(group: Sequence[Held]) -> datetime:
    return max(item.last_used for item in group)


def _blobs(group: Sequence[Held]) -> Mapping[str, int]:
    return group[0].blobs
