"""What becomes of an alert by what a rule sees: pure, for evaluation and for previews alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from alerts.conditions.contract import Observation, Wanted
from alerts.states import State

NOTHING: Mapping[str, str] = MappingProxyType({})


class Deed(StrEnum):
    """One thing that happens to an alert."""

    NOTICE = "notice"
    JOIN = "join"
    LEAVE = "leave"
    FLAP = "flap"
    FIRE = "fire"
    CLEAR = "clear"
    RESOLVE = "resolve"
    LET_GO = "let_go"
    """Of one that somebody resolved: its condition has ended, too."""


@dataclass(frozen=True, slots=True)
class Act:
    """A deed with what it is about: those that join or leave, or hold."""

    deed: Deed
    seen: tuple[Observation, ...] = ()
    groups: tuple[str, ...] = ()
    """Names of those that leave."""
    text: str = ""
    """Why, if it is not known to have become good."""


@dataclass(slots=True)
class Track:
    """One cause of a rule as it stands: its open alert, or the last one.

    ``groups`` has the members of the open one, with whether it holds for each.
    """

    cause: str
    key: int = 0
    """Of the row; previews have none, which is 0."""
    state: State = State.RESOLVED
    began_at: datetime | None = None
    clear_since: datetime | None = None
    resolved_at: datetime | None = None
    is_held: bool = False
    """Somebody resolved it although its condition held, and it has held since."""
    groups: dict[str, bool] = field(default_factory=dict)
    services: dict[str, int | None] = field(default_factory=dict)
    """Of those members, where they are of one."""

    @property
    def is_open(self) -> bool:
        """Whether there is an alert that is not resolved."""
        return self.state != State.RESOLVED

    @property
    def holds(self) -> bool:
        """Whether it holds for any of its members."""
        return any(self.groups.values())


@dataclass(slots=True)
class Tracks:
    """All causes of one rule that are known."""

    by_cause: dict[str, Track] = field(default_factory=dict)

    def sort(self, seen: Iterable[Observation]) -> dict[str, list[Observation]]:
        """Return what is seen by cause; what belongs to an open alert stays with that.

        A cause may become known, or another one, after its alert was opened.
        """
        homes = {
            group: track.cause
            for track in self.by_cause.values()
            if track.is_open
            for group, holds in track.groups.items()
            if holds
        }
        found: dict[str, list[Observation]] = {cause: [] for cause in self.by_cause}
        for item in seen:
            found.setdefault(homes.get(item.group, item.key), []).append(item)
        return found

    def unseen(self, seen: Iterable[Observation]) -> dict[str, int | None]:
        """Return the groups for which an open alert holds, and that are not seen any more, each
        with its service.
        """
        known = {item.group for item in seen}
        return {
            group: track.services.get(group)
            for track in self.by_cause.values()
            if track.is_open
            for group, holds in track.groups.items()
            if holds and group not in known
        }

    def advance(
        self,
        seen: Iterable[Observation],
        wanted: Wanted,
        at: datetime,
        *,
        absent_is_good: bool,
        gone: Mapping[str, str] = NOTHING,
    ) -> list[tuple[Track, list[Act]]]:
        """Return what happens to each cause, and note it here; ``gone`` says why, by group."""
        done = []
        for cause, own in self.sort(seen).items():
            track = self.by_cause.get(cause) or Track(cause)
            acts = advance(track, own, wanted, at, absent_is_good=absent_is_good, gone=gone)
            if acts:
                self.by_cause[cause] = track
                done.append((track, acts))
        return done


def advance(
    track: Track,
    seen: Sequence[Observation],
    wanted: Wanted,
    at: datetime,
    *,
    absent_is_good: bool,
    gone: Mapping[str, str] = NOTHING,
) -> list[Act]:
    """Return what happens to one cause at a time, by what is seen of it; ``track`` goes along."""
    bad = {item.group: item for item in seen if item.is_bad}
    known_good = {item.group for item in seen if item.is_bad is False}
    if track.is_open:
        absent = set(track.groups) - {item.group for item in seen} if absent_is_good else set()
        lost = {group: why for group, why in gone.items() if track.groups.get(group)}
        acts = _members(track, bad, known_good | absent | set(lost), lost)
        why = _said(lost)
        return acts + (
            _holding(track, bad, wanted, at) if track.holds else _clear(track, wanted, at, why)
        )
    if track.is_held:
        return [] if bad or not (absent_is_good or known_good) else _let_go(track)
    return _begin(track, bad, wanted, at) if bad else []


def _let_go(track: Track) -> list[Act]:
    track.is_held = False
    return [Act(Deed.LET_GO)]


def _begin(track: Track, bad: Mapping[str, Observation], wanted: Wanted, at: datetime) -> list[Act]:
    seen = tuple(bad.values())
    track.key, track.state, track.clear_since = 0, State.PENDING, None
    track.began_at = min(item.since or at for item in seen)
    track.groups = dict.fromkeys(bad, True)
    track.services = {item.group: item.service_id for item in seen}
    return [Act(Deed.NOTICE, seen), *_holding(track, bad, wanted, at)]


def _said(lost: Mapping[str, str]) -> str:
    return " ".join(sorted(set(lost.values())))


def _members(
    track: Track, bad: Mapping[str, Observation], good: set[str], lost: Mapping[str, str]
) -> list[Act]:
    """Take in who joins, or is back, and note of whom it holds no more."""
    joining = tuple(item for group, item in bad.items() if not track.groups.get(group))
    leaving = tuple(sorted(group for group in good if track.groups.get(group)))
    track.groups |= {item.group: True for item in joining} | dict.fromkeys(leaving, False)
    track.services |= {item.group: item.service_id for item in joining}
    acts = [Act(Deed.JOIN, joining)] if joining else []
    return acts + ([Act(Deed.LEAVE, groups=leaving, text=_said(lost))] if leaving else [])


def _holding(
    track: Track, bad: Mapping[str, Observation], wanted: Wanted, at: datetime
) -> list[Act]:
    acts = []
    if track.clear_since is not None:
        track.clear_since = None
        acts.append(Act(Deed.FLAP))
    # It holds still where nothing is seen; only what is seen can be told.
    if bad and track.state == State.PENDING and _is_ripe(track, wanted, at):
        track.state = State.FIRING
        acts.append(Act(Deed.FIRE, tuple(bad.values())))
    return acts


def _is_ripe(track: Track, wanted: Wanted, at: datetime) -> bool:
    """Tell whether it has held for as long as the rule wants, and the last one is long over."""
    if track.began_at is None or at - track.began_at < wanted.for_time:
        return False
    return track.resolved_at is None or at - track.resolved_at >= wanted.settle_time


def _clear(track: Track, wanted: Wanted, at: datetime, why: str) -> list[Act]:
    """Resolve it when it has not held for long enough; at once what never fired, and that of which
    nothing is known any more: there is nothing to wait for.
    """
    acts = []
    if track.clear_since is None and not why:
        acts.append(Act(Deed.CLEAR))
    track.clear_since = track.clear_since or at
    is_settled = at - track.clear_since >= wanted.settle_time
    if why or is_settled or track.state == State.PENDING:
        fired = track.state != State.PENDING
        track.state, track.clear_since, track.groups = State.RESOLVED, None, {}
        track.resolved_at = at if fired else track.resolved_at
        acts.append(Act(Deed.RESOLVE, text=why))
    return acts
