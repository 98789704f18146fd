"""What a rule would have told of the last 90 days, had it been there: nothing is written.

It is evaluation at the times at which what is observed may have changed, one after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db import connection, transaction

from accounts.models import Project
from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.lifecycle import Act, Deed, Track, Tracks
from alerts.writing import title_of
from builds.models import Build

DAYS = 90
MOST_MOMENTS = 400
MOST_FIRED = 100
LONGEST_SECONDS = 15.0
LONGEST_QUERY_MS = 5000


@dataclass(slots=True)
class Fired:
    """One alert that would have been: when it would have fired, and what it is about."""

    cause: str
    title: str
    summary: str
    fired_at: datetime
    resolved_at: datetime | None = None
    flaps: int = 0
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
    moments: int
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
    """Return what a rule would have told; bounded in time, moments and alerts."""
    condition, first = CONDITIONS[wanted.kind], at - timedelta(days=days)
    window = Window(project.pk, at, wanted.services)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [LONGEST_QUERY_MS])
        moments = sorted(set(condition.moments(wanted, window, first)))
        run = _Run(project, wanted, Preview(first, at, len(moments)))
        run.follow(moments)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
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

    def follow(self, moments: list[datetime]) -> None:
        """Go from moment to moment until time, moments or alerts run out."""
        ends = monotonic() + LONGEST_SECONDS
        for place, moment in enumerate(moments):
            is_over = monotonic() > ends or len(self.found.fired) >= MOST_FIRED
            if place >= MOST_MOMENTS or is_over:
                self.found.until, self.found.is_cut = moment, True
                return
            following = moments[place + 1] if place + 1 < len(moments) else None
            self._at(moment, following)

    def _at(self, moment: datetime, following: datetime | None) -> None:
        """Observe once, and let time pass until the next moment: what is seen stays as it is."""
        window = Window(self.project.pk, moment, self.wanted.services)
        seen = list(self.condition.observe(self.wanted, window))
        waits = {timedelta(0), self.wanted.for_time, self.wanted.settle_time}
        for wait in sorted(waits):
            at = moment + wait
            if wait and (following is None or at >= following):
                return
            self._advance(seen, at)

    def _advance(self, seen: Iterable[Observation], at: datetime) -> None:
        good = self.condition.absent_is_good
        for track, acts in self.tracks.advance(seen, self.wanted, at, absent_is_good=good):
            for act in acts:
                self._note(track, act, at)

    def _note(self, track: Track, act: Act, at: datetime) -> None:
        if act.deed is Deed.NOTICE:
            self.noticed[track.cause] = act.seen
        elif act.deed is Deed.FIRE:
            self.open[track.cause] = _fired(track, self.noticed[track.cause], at)
            self.found.fired.append(self.open[track.cause])
        elif act.deed is Deed.JOIN and track.cause in self.open:
            _join(self.open[track.cause], act.seen)
        elif act.deed is Deed.FLAP and track.cause in self.open:
            self.open[track.cause].flaps += 1
        elif act.deed is Deed.RESOLVE and track.cause in self.open:
            self.open.pop(track.cause).resolved_at = at


def _fired(track: Track, seen: tuple[Observation, ...], at: datetime) -> Fired:
    found = Fired(track.cause, title_of(seen), seen[0].summary, at)
    _join(found, seen)
    return found


def _join(found: Fired, seen: Iterable[Observation]) -> None:
    for item in seen:
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
