"""Series are followed build by build, and what changes in them is kept.

A build is followed some time after its start, as one that began before it may end after it. One
that comes even later, was corrected or deleted lets its service's series be followed anew from what
is kept of them: the same builds give the same changes. What began before the builds that are
followed anew stays as it is.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Min, Q, Value
from django.utils import timezone

from analytics.changes import Event, Observation, State, update
from builds.aggregates import Joined
from builds.branches import branch_class
from builds.locks import try_lock
from builds.models import Build
from builds.postponing import attempt, is_due
from builds.querysets import BuildQuerySet
from trends.attribution import parts_of
from trends.causes import causes_of
from trends.metrics import METRICS
from trends.models import HOMOGENEOUS, Change, Series, Waiting

LOCK = 0x7472656E  # the letters "tren": first key of the two-key advisory lock
LOOKED_AT = 20
REPLAYED = 2_000
"""Builds of a series that are followed anew at most, the newest ones."""

SETTLED = timedelta(minutes=15)
"""After its start a build is followed: builds of one group that run at once have mostly ended."""

KEPT = 300
"""Builds of a series whose keys are remembered: more than the detector looks back."""

MOST_BUILDS = 20
"""Builds of each side that are held together, those next to the change."""

COVARIATES = {"cache_hit": "cache_state", "runner": "builder", "branch": "branch"}
"""Where a build has what the detector knows under these names."""

GROUP = ("target", "variant", "environment", "joined_platforms")


def follow_next() -> bool:
    """Follow the series of one service that waits; tell whether there was one."""
    until = timezone.now() - SETTLED
    with transaction.atomic():
        due = Waiting.objects.filter(is_due(), since__lte=until)
        rows = due.select_related("service").order_by("since")
        waiting = next((row for row in rows[:LOOKED_AT] if try_lock(LOCK, row.pk)), None)
        if waiting is None:
            return False
        if not attempt(waiting, _follow_all, waiting, until):
            waiting.put_off()
    return True


def _follow_all(waiting: Waiting, until: datetime) -> None:
    for group in _groups(waiting):
        for metric in METRICS:
            _follow(_series(waiting, group, metric), waiting.since, until)
    _wait_on(waiting, until)


def _wait_on(waiting: Waiting, until: datetime) -> None:
    """Let a service wait for its builds that are too new yet, or no more.

    A build that came meanwhile has counted the version up: the service still waits.
    """
    same = Waiting.objects.filter(pk=waiting.pk, version=waiting.version)
    newer = Build.objects.filter(service=waiting.pk, listed_at__gt=until).succeeded()
    since = newer.aggregate(first=Min("listed_at"))["first"]
    if since is None:
        same.delete()
    else:
        same.update(since=since, failures=0)


def _groups(waiting: Waiting) -> list[tuple[str, ...]]:
    """Return the groups that have builds since then, and those that had some before."""
    builds = Build.objects.filter(service=waiting.pk, listed_at__gte=waiting.since).succeeded()
    rows = builds.order_by().annotate(joined_platforms=Joined(F("platforms"), Value(",")))
    now = rows.values_list(*GROUP).distinct()
    known = Series.objects.filter(service=waiting.pk, last_at__gte=waiting.since)
    before = known.order_by().values_list(*HOMOGENEOUS)
    return sorted({*now, *before.distinct()})


def _series(waiting: Waiting, group: tuple[str, ...], metric: str) -> Series:
    named: dict[str, Any] = dict(zip(HOMOGENEOUS, group, strict=True))
    series, _ = Series.objects.get_or_create(service=waiting.service, metric=metric, **named)
    return series


def builds_of(series: Series) -> BuildQuerySet:
    """Return the builds of a series, in no order."""
    return Build.objects.filter(
        service=series.service_id,
        target=series.target,
        variant=series.variant,
        environment=series.environment,
        platforms=series.platforms.split(",") if series.platforms else [],
        **{f"{series.metric}__isnull": False},
    ).succeeded()


def _follow(series: Series, since: datetime, until: datetime) -> None:
    """Take the builds that came after those that were followed; anew, if one came before."""
    if series.last_at is not None and since <= series.last_at:
        _follow_anew(series, until)
        return
    fresh = builds_of(series).filter(listed_at__lte=until)
    if series.last_at is not None:
        fresh = fresh.filter(
            Q(listed_at__gt=series.last_at)
            | Q(listed_at=series.last_at, pk__gt=series.last_build or 0)
        )
    _take(series, _observed(fresh, REPLAYED))


def _follow_anew(series: Series, until: datetime) -> None:
    """Forget what was found, but for what people have said of it, and follow all again.

    Of more builds than are followed anew some older ones only tell what was usual: what began with
    them or before is not found again, and stays as it is.
    """
    known = Change.objects.filter(series=series)
    said = {
        change.build_id: (change.public_id, change.acknowledged_by, change.reason)
        for change in known
    }
    builds = _observed(builds_of(series).filter(listed_at__lte=until), REPLAYED + KEPT)
    before = builds[:-REPLAYED]
    forgotten = known.filter(build__listed_at__gt=before[-1].listed_at) if before else known
    forgotten.delete()
    series.state, series.recent, series.builds = {}, [], 0
    series.last_at = series.last_build = None
    _take(series, builds, {build.pk for build in before})
    for change in Change.objects.filter(series=series, build__in=said):
        change.public_id, change.acknowledged_by, change.reason = said[change.build_id]
        is_known = change.acknowledged_by and change.state in {"new", "reopened"}
        change.state = Change.State.ACKNOWLEDGED if is_known else change.state
        change.save(update_fields=["public_id", "acknowledged_by", "reason", "state"])


def _observed(builds: BuildQuerySet, most: int) -> list[Any]:
    """Return the newest builds, oldest first, with what explains a part of their values."""
    newest = builds.annotate(branch=branch_class()).order_by("-listed_at", "-pk")[:most]
    return list(reversed(newest.only("pk", "listed_at", "cache_state", "builder", *METRICS)))


def _take(series: Series, builds: Iterable[Any], before: Collection[int] = ()) -> None:
    """Give builds to the detector; what it tells of those ``before`` is known."""
    state = State.load(series.state) if series.state else State(unit=series.means.unit)
    for build in builds:
        observation = Observation(
            value=float(getattr(build, series.metric)),
            timestamp=build.listed_at.timestamp(),
            covariates={name: getattr(build, COVARIATES[name]) for name in series.means.moved_by},
        )
        state, events = update(state, observation)
        series.recent = [*series.recent, build.pk][-KEPT:]
        series.builds += 1
        series.last_at, series.last_build = build.listed_at, build.pk
        if build.pk not in before:
            for event in events:
                _note(series, event, before)
    series.state = state.dump()
    series.save()


def _build_at(series: Series, index: int) -> int | None:
    """Return the key of the build at a place of the series, if it is remembered."""
    place = index - (series.builds - len(series.recent))
    return series.recent[place] if 0 <= place < len(series.recent) else None


def _note(series: Series, event: Event, before: Collection[int]) -> None:
    """Keep what the detector tells of the level, and of single builds that lay far off it."""
    if event.of != "level":
        return
    first = _build_at(series, event.index)
    if event.status in {"opened", "seen"} and first is not None:
        if first not in before:
            _open(series, event, first)
        return
    levels = Change.objects.filter(series=series).of_level()
    known = levels.order_by("-found_at", "-pk").first()
    if known is None:
        return
    if event.status == "resolved":
        known.state, known.ended_at = Change.State.RESOLVED, _moment(series)
    elif event.status == "reopened":
        known.state, known.ended_at = Change.State.REOPENED, None
        known.after, known.ratio = event.after, event.change
        known.ratio_low, known.ratio_high = event.low, event.high
        known.is_slight = _is_slight(series, event)
    known.save()


KINDS = {"drift": Change.Kind.DRIFT, "outlier": Change.Kind.OUTLIER}


def _open(series: Series, event: Event, first: int) -> None:
    before, after = _sides(series, event.index)
    is_outlier = event.kind == "outlier"
    # The newest build is the one that is back.
    builds_after = event.builds_after - is_outlier
    after = after[:builds_after] if is_outlier else after
    Change.objects.filter(series=series, build=first).delete()
    is_up = event.direction == "up"
    parts = parts_of(before, after, unit=series.means.unit, is_up=is_up)
    Change.objects.create(
        series=series,
        kind=KINDS.get(event.kind, Change.Kind.STEP),
        state=Change.State.RESOLVED if is_outlier else Change.State.NEW,
        ended_at=_moment(series) if is_outlier else None,
        build_id=first,
        last_before_id=_build_at(series, event.index - 1),
        seen_in_id=series.recent[-1],
        direction=1 if is_up else -1,
        before=event.before,
        after=event.after,
        ratio=event.change,
        ratio_low=event.low,
        ratio_high=event.high,
        p_value=event.p,
        builds_before=len(before),
        builds_after=builds_after,
        method=event.method,
        parameters=event.parameters,
        parts=parts,
        causes=causes_of(before, after, parts),
        is_worse=series.means.worse(1 if is_up else -1),
        is_slight=_is_slight(series, event),
        found_at=_moment(series),
    )


def _is_slight(series: Series, event: Event) -> bool:
    return abs(event.after - event.before) < series.means.slight


def _moment(series: Series) -> datetime:
    """When something was told: with the newest build that was followed."""
    return series.last_at or timezone.now()


def _sides(series: Series, index: int) -> tuple[list[Build], list[Build]]:
    """Return the builds next to a change, before and after it."""
    at = index - (series.builds - len(series.recent))
    before, after = series.recent[max(0, at - MOST_BUILDS) : at], series.recent[at:][:MOST_BUILDS]
    return list(_in_order(before)), list(_in_order(after))


def _in_order(keys: Sequence[int]) -> Iterator[Build]:
    found = Build.objects.in_bulk(list(keys))
    return (found[key] for key in keys if key in found)
