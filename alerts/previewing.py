"""What a rule would have told of the last 90 days, had it been there: nothing is written.

It is evaluation at the times at which what is observed may have changed, one after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import OperationalError, connection, transaction

from accounts.models import Project
from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.exceptions import PreviewBusyError
from alerts.following import follow, look
from alerts.lifecycle import Act, Deed, Track, Tracks
from alerts.writing import title_of, title_with
from builds.locks import try_lock
from builds.models import Build

DAYS = 90
MOST_MOMENTS = 400
MOST_FIRED = 100
LONGEST_SECONDS = 15.0
LONGEST_QUERY_MS = 5000
LOCK = 0x6170
"""The letters "ap": first key of the two-key advisory lock."""
LIMIT = "SELECT set_config('statement_timeout', %s, true)"


@dataclass(slots=True)
class Fired:
    """One alert that would have been: when it would have fired, and what it is about."""

    cause: str
    title: str
    summary: str
    fired_at: datetime
    resolved_at: datetime | None = None
    resolved_because: str = ""
    """Why nothing is known of it any more; empty if it ended."""
    flaps: int = 0
    services: set[int | None] = field(default_factory=set)
    members: list[dict[str, str]] = field(default_factory=list)
    builds: list[int] = field(default_factory=list)
    """Keys of builds that it is told from."""
    links: list[dict[str, str]] = field(default_factory=list)
    """Those builds, with their addresses."""


@dataclass(slots=True)
class Preview:
    """What would have fired, the first first; ``until`` is how far it got in its time."""

    since: datetime
    until: datetime
    fired: list[Fired] = field(default_factory=list)
    is_cut: bool = False
    """Whether time or rows ran out before the end."""

    @property
    def sentence(self) -> str:
        """How often it would have fired."""
        count, open_ = len(self.fired), sum(item.resolved_at is None for item in self.fired)
        times = {0: "not have fired", 1: "have fired once"}.get(count, f"have fired {count} times")
        still = f"; {open_} would fire still" if open_ else ""
        days = (self.until - self.since).days
        return f"It would {times} in {days} days{still}."


def preview(project: Project, wanted: Wanted, at: datetime, *, days: int = DAYS) -> Preview:
    """Return what a rule would have told; bounded in time, moments and alerts.

    Raises:
        PreviewBusyError: another one of the project is under way.
    """
    first = at - timedelta(days=days)
    run = _Run(project, wanted.within(Window(project.pk, at)), Preview(first, at))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if not try_lock(LOCK, project.pk):
                raise PreviewBusyError
            # It ends with the transaction.
            cursor.execute(LIMIT, [str(LONGEST_QUERY_MS)])
            run.follow(first)
    except OperationalError:
        run.found.is_cut = True
    _link(run.found.fired)
    return run.found


class _Run:
    """One preview under way."""

    def __init__(self, project: Project, wanted: Wanted, found: Preview) -> None:
        self.project, self.wanted, self.found = project, wanted, found
        self.condition = CONDITIONS[wanted.kind]
        self.tracks = Tracks()
        self.noticed: dict[str, tuple[Observation, ...]] = {}
        self.open: dict[str, Fired] = {}

    def follow(self, first: datetime) -> None:
        """Go from moment to moment until time, moments or alerts run out."""
        ends, window = monotonic() + LONGEST_SECONDS, self._window(self.found.until)
        moments = sorted(set(self.condition.moments(self.wanted, window, first)))
        waits = {timedelta(0), self.wanted.for_time, self.wanted.settle_time}
        looks = set(moments[:MOST_MOMENTS])
        seen: list[Observation] = []
        for at in sorted({moment + wait for moment in looks for wait in waits}):
            is_over = monotonic() > ends or len(self.found.fired) >= MOST_FIRED
            if at > window.at:
                break
            if is_over:
                self.found.until, self.found.is_cut = at, True
                return
            if at in looks:
                seen = look(self.wanted, self._window(at))
            # Between two moments what is seen stays as it is.
            self._advance(seen, at)
        if len(moments) > MOST_MOMENTS:
            self.found.until, self.found.is_cut = moments[MOST_MOMENTS], True

    def _window(self, at: datetime) -> Window:
        return Window(self.project.pk, at, self.wanted.services)

    def _advance(self, seen: Sequence[Observation], at: datetime) -> None:
        for track, acts in follow(self.tracks, seen, self.wanted, self._window(at)):
            for act in acts:
                self._note(track, act, at)

    def _note(self, track: Track, act: Act, at: datetime) -> None:
        if act.deed is Deed.NOTICE:
            self.noticed[track.cause] = act.seen
        elif act.deed is Deed.FIRE:
            self.open[track.cause] = _fired(track, self.noticed[track.cause], at)
            self.found.fired.append(self.open[track.cause])
        elif act.deed is Deed.JOIN:
            self._join(track, act)
        elif act.deed is Deed.FLAP and track.cause in self.open:
            self.open[track.cause].flaps += 1
        elif act.deed is Deed.RESOLVE and track.cause in self.open:
            over = self.open.pop(track.cause)
            over.resolved_at, over.resolved_because = at, act.text

    def _join(self, track: Track, act: Act) -> None:
        if track.cause in self.open:
            _join(self.open[track.cause], act.seen)
        else:
            self.noticed[track.cause] += act.seen


def _fired(track: Track, seen: tuple[Observation, ...], at: datetime) -> Fired:
    found = Fired(track.cause, title_of(seen), seen[0].summary, at)
    _take_in(found, seen)
    return found


def _join(found: Fired, seen: tuple[Observation, ...]) -> None:
    _take_in(found, seen)
    found.title = title_with(found.title, seen[0], len(found.services))


def _take_in(found: Fired, seen: Iterable[Observation]) -> None:
    for item in seen:
        found.services.add(item.service_id)
        found.members.append({"title": item.title, "path": item.path})
        found.builds += [key for key in [item.evidence.get("build")] if key]


def _link(fired: list[Fired]) -> None:
    """Name the builds: by one query for all."""
    keys = {key for item in fired for key in item.builds}
    builds = Build.objects.select_related("project", "service").in_bulk(keys)
    for item in fired:
        item.links = [_named(builds[key]) for key in dict.fromkeys(item.builds) if key in builds]


def _named(build: Build) -> dict[str, Any]:
    name = f"{build.service.name} {build.revision[:9]}".strip()
    return {"title": name, "path": build.get_absolute_url(), "at": build.listed_at.isoformat()}
