"""Looks at what builders' caches hold, taken by a worker that knows the builder."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from buildinsights.batches import delete_in_batches
from buildkit.caching.usage import Entry, Usage, read_size, read_usage
from buildkit.errors import ParseError
from cache.models import (
    BuilderEntries,
    BuilderSnapshot,
    Eviction,
    ReferenceSize,
    RegistryDay,
)
from cache.removals import ask_again
from farm.builders import buildx
from farm.models import Builder

EVERY = timedelta(hours=1)
KEPT_DAYS = 400
MAX_ENTRIES = 5_000
"""Entries of a builder of which evictions are noted, the largest ones."""

_RULE = re.compile(r"^GC Policy rule#\d+:\n((?: .*\n?)+)", re.MULTILINE)
_FIELD = re.compile(r"^ ([\w ]+?):\s+(.+?)\s*$", re.MULTILINE)
_LIMITS = ("Max Used Space", "Reserved Space", "Keep Bytes")


def due() -> list[tuple[int, str]]:
    """Return key and queue of each builder that nobody has looked into for ``EVERY``."""
    recent = BuilderSnapshot.objects.filter(taken_at__gt=timezone.now() - EVERY)
    waiting = Builder.objects.filter(is_enabled=True).exclude(pk__in=recent.values("builder"))
    return list(waiting.values_list("pk", "queue"))


def take_snapshot(builder: Builder) -> BuilderSnapshot:
    """Note what a builder's cache holds now, and what has gone since the last look.

    Raises:
        UnreachableError: the builder did not answer.
        ParseError: it answered something else.
    """
    named = ["--builder", builder.name] if builder.name else []
    limit = gc_limit(buildx("inspect", *([builder.name] if builder.name else [])))
    listed = buildx("du", *named, "--format", "json")
    return keep(builder, read_usage(listed, now := timezone.now()), limit, now)


def gc_limit(inspected: str) -> int | None:
    """Return the bytes that the last rule for all entries keeps, of what buildx inspect prints."""
    limits = [limit for rule in _RULE.findall(inspected) if (limit := _limit(rule)) is not None]
    return limits[-1] if limits else None


def _limit(rule: str) -> int | None:
    fields = dict(_FIELD.findall(rule))
    said = next((fields[name] for name in _LIMITS if name in fields), "")
    try:
        return read_size(said) if fields.get("All") == "true" else None
    except ParseError:
        return None  # words of a version that is not known: no limit is better than a wrong one


@transaction.atomic
def keep(builder: Builder, usage: Usage, limit: int | None, now: datetime) -> BuilderSnapshot:
    """Write a snapshot, the entries of it, and what the one before had and this one has not."""
    snapshot = BuilderSnapshot.objects.create(
        builder=builder,
        taken_at=now,
        used_bytes=usage.bytes,
        reclaimable_bytes=usage.reclaimable_bytes,
        shared_bytes=usage.shared_bytes,
        limit_bytes=limit,
        by_type=usage.by_type(),
    )
    before, _ = BuilderEntries.objects.select_for_update().get_or_create(
        builder=builder, defaults={"taken_at": now}
    )
    left = {entry.id for entry in usage.entries}
    ask_again(builder, Eviction.objects.bulk_create(_evictions(before, left, now)))
    before.taken_at = now
    before.entries = {entry.id: _row(entry) for entry in _largest(usage)}
    before.save()
    return snapshot


def _largest(usage: Usage) -> list[Entry]:
    return sorted(usage.entries, key=lambda entry: -entry.bytes)[:MAX_ENTRIES]


def _row(entry: Entry) -> list[Any]:
    used = entry.last_used_at.isoformat() if entry.last_used_at else None
    return [entry.type, entry.description, entry.bytes, used]


def _evictions(before: BuilderEntries, left: set[str], now: datetime) -> Iterator[Eviction]:
    entries: Mapping[str, list[Any]] = before.entries
    for identifier, (kind, description, freed, used) in entries.items():
        if identifier not in left:
            yield Eviction(
                builder_id=before.builder_id,
                entry_id=identifier[:64],
                type=kind[:40],
                description=description,
                freed_bytes=freed,
                last_used_at=datetime.fromisoformat(used) if used else None,
                seen_at=before.taken_at,
                gone_at=now,
            )


def forget_old() -> int:
    """Delete snapshots and evictions that are older than what is kept; return how many."""
    oldest = timezone.now() - timedelta(days=KEPT_DAYS)
    old = (
        BuilderSnapshot.objects.filter(taken_at__lt=oldest),
        Eviction.objects.filter(gone_at__lt=oldest),
        ReferenceSize.objects.filter(day__lt=oldest.date()),
        RegistryDay.objects.filter(day__lt=oldest.date()),
    )
    return sum(map(delete_in_batches, old))
