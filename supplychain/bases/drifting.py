"""Tags that came to mean another image: which digest is the newest, and who is how far behind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sighting:
    """That a tag was seen to mean a digest, first and last; by a look at the registry, or a build.

    A build may have used what its builder knew, so that of two that overlap the later one is not
    told by the last build. A registry's word is its own.
    """

    digest: str
    first_at: datetime
    last_at: datetime
    is_look: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one digest of a tag is from the newest: ``behind`` counts those that came after it.

    ``since`` is when the first of them was seen; without any it is ``None``.
    """

    digest: str
    newest: str
    behind: int
    since: datetime | None


def newest_of(sightings: Iterable[Sighting]) -> str:
    """Return the digest that a tag means as far as is known; empty without a sighting.

    That is what a registry said last; unless a digest was seen for the first time afterwards.
    """
    known = list(sightings)
    if not known:
        return ""
    latest = max(known, key=lambda one: (one.first_at, one.last_at))
    looks = [one for one in known if one.is_look]
    if not looks:
        return latest.digest
    look = max(looks, key=lambda one: (one.last_at, one.first_at))
    return latest.digest if latest.first_at > look.last_at else look.digest


def history_of(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return each digest once, in the order in which they were seen first; the newest is last."""
    known = list(sightings)
    merged: dict[str, Sighting] = {}
    for one in known:
        other = merged.get(one.digest, one)
        merged[one.digest] = Sighting(
            one.digest,
            min(one.first_at, other.first_at),
            max(one.last_at, other.last_at),
            one.is_look or other.is_look,
        )
    newest = newest_of(known)
    return sorted(merged.values(), key=lambda one: (one.digest == newest, one.first_at, one.digest))


def drift_of(digest: str, sightings: Iterable[Sighting]) -> Drift:
    """Return how far a digest is behind; one that the tag was never seen to mean is behind none.

    After a tag went back to an earlier digest all others are behind that.
    """
    history = history_of(sightings)
    places = [number for number, one in enumerate(history) if one.digest == digest]
    newest = history[-1].digest if history else ""
    if not places:
        return Drift(digest, newest, 0, None)
    after = history[places[0] + 1 :]
    return Drift(digest, newest, len(after), after[0].first_at if after else None)
