"""What builds on a builder cost each other, worked out once and kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min, Q, Value
from django.utils import timezone

from analytics.alike import ALONE, ENOUGH, Run
from analytics.concurrency import Contention
from analytics.occupancy import Span, beside
from analytics.slots import Memory, memory_of, recommend
from builds.aggregates import Joined
from builds.locks import try_lock
from builds.models import Build, Step
from resources.models import BuilderHour, Finding, Stay

LOCK = 0x66696E64  # the letters "find": first key of the two-key advisory lock
LOOKED_AT = 20
AGAIN_AFTER = timedelta(minutes=5)
"""A builder with new builds is looked at no more often: it costs the same however many came."""

PERIOD = timedelta(days=90)
MOST_BUILDS = 2_000
"""The newest builds of a builder that are looked at."""

MOST_TOLD = 10
GROUP = ("service_id", "target", "variant", "joined_platforms", "cache_state")
"""What builds have in common whose times may be held against each other."""

WORK = ("run", "copy")


def weigh_next() -> bool:
    """Work out one builder whose turn it is and that no other worker has; tell if there was one."""
    with transaction.atomic():
        finding = next(
            (row for row in _due()[:LOOKED_AT] if try_lock(LOCK, row.project_id, row.builder)), None
        )
        if finding is None:
            return False
        now = timezone.now()
        found = found_on(finding.project_id, finding.builder, now)
        Finding.objects.filter(pk=finding.pk).update(
            found=found, made_at=now, made_of=finding.version
        )
    return True


def _due() -> Any:
    """Return builders with changes since the last time, those looked at longest ago first."""
    changed = Finding.objects.exclude(version=F("made_of"))
    due = changed.filter(Q(made_at=None) | Q(made_at__lte=timezone.now() - AGAIN_AFTER))
    return due.order_by(F("made_at").asc(nulls_first=True), "pk")


def found_on(project_id: int, builder: str, now: datetime) -> dict[str, Any]:
    """Return what the builder's builds tell: ``slowdown, groups, slowest, memory, slots``."""
    recent = Stay.objects.on(project_id, builder).filter(start__gte=now - PERIOD)
    stays = list(recent.order_by("-start", "-pk")[:MOST_BUILDS])
    groups = _groups(stays)
    contention = Contention(_runs(stays, groups))
    slowdown = contention.whole()
    memory = _memory(project_id, builder, stays)
    return {
        "builds": len(stays),
        "slowdown": asdict(slowdown) if slowdown else None,
        "groups": list(_told_groups(contention, {name: key for key, name in groups.values()})),
        "slowest": [
            {"build": one.build, "ratio": one.ratio, "others": one.others}
            for one in contention.slowest(MOST_TOLD)
        ],
        "memory": asdict(memory) if memory else None,
        "slots": asdict(recommend(slowdown, memory)),
    }


def _groups(stays: Sequence[Stay]) -> dict[int, tuple[tuple[Any, ...], str]]:
    """Return the key of each succeeded build's group, and its name."""
    builds = Build.objects.filter(pk__in=[stay.pk for stay in stays]).succeeded().order_by()
    rows = builds.annotate(joined_platforms=Joined(F("platforms"), Value(",")))
    return {
        pk: (tuple(key), "\x1f".join(map(str, key))) for pk, *key in rows.values_list("pk", *GROUP)
    }


def _runs(
    stays: Sequence[Stay], groups: Mapping[int, tuple[tuple[Any, ...], str]]
) -> Iterator[Run]:
    """Yield the steps that ran, with what was beside them; all builds there count as beside."""
    ordered = sorted(stays, key=lambda stay: (stay.start, stay.pk))
    neighbours = _neighbours(ordered)
    starts = {stay.pk: stay.start.timestamp() for stay in ordered}
    for build, identity, intervals, seconds in _steps(groups):
        start = starts[build]
        own = [(start + begin, start + end) for begin, end in intervals]
        others = beside(own, neighbours[build])
        yield Run(groups[build][1], build, identity, seconds, others)


def _steps(groups: Mapping[int, Any]) -> Any:
    months = Build.objects.filter(pk__in=groups).order_by().values_list("steps_month", flat=True)
    steps = Step.objects.filter(
        month__in=list(months.distinct()),
        build__in=list(groups),
        kind__in=WORK,
        state="executed",
        busy_seconds__gt=0,
    )
    columns = ("build_id", "identity", "intervals", "busy_seconds")
    return steps.order_by().values_list(*columns).iterator()


def _neighbours(ordered: Sequence[Stay]) -> dict[int, list[Span]]:
    """Return the spans of the builds beside each, in epoch seconds; ``ordered`` by their start."""
    found: dict[int, list[Span]] = {stay.pk: [] for stay in ordered}
    there: list[Stay] = []
    for stay in ordered:
        there = [other for other in there if other.end > stay.start]
        for other in there:
            found[stay.pk].append((other.start.timestamp(), other.end.timestamp()))
            found[other.pk].append((stay.start.timestamp(), stay.end.timestamp()))
        there.append(stay)
    return found


def _told_groups(
    contention: Contention, keys: Mapping[str, tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    """Yield groups that have builds beside others; those with most of these first."""
    for name, (alone, others) in sorted(contention.counts.items(), key=_most_beside):
        if not others:
            continue
        service, target, variant, platforms, state = keys[name]
        slowdown = contention.of(name)
        yield {
            "service": service,
            "target": target,
            "variant": variant,
            "platforms": platforms,
            "cache_state": state,
            "alone": alone,
            "beside": others,
            "slope": slowdown.slope if slowdown else None,
            "low": slowdown.low if slowdown else None,
            "high": slowdown.high if slowdown else None,
        }


def _most_beside(item: tuple[str, tuple[int, int]]) -> tuple[int, str]:
    name, (_, others) = item
    return -others, name


def _memory(project_id: int, builder: str, stays: Sequence[Stay]) -> Memory | None:
    """Return what builds take, of those that were alone; unknown where several machines mix."""
    alone = [
        (stay.memory_low_bytes, stay.memory_high_bytes)
        for stay in stays
        if stay.beside is not None
        and stay.beside <= ALONE
        and stay.memory_low_bytes is not None
        and stay.memory_high_bytes is not None
    ]
    if len(alone) < ENOUGH:
        return None
    hours = BuilderHour.objects.filter(project=project_id, builder=builder)
    totals = hours.since(stays[-1].start - timedelta(hours=1)).aggregate(
        most=Max("memory_total_bytes"), least=Min("memory_total_low_bytes")
    )
    is_one = totals["most"] == totals["least"]
    return memory_of(alone, totals["most"] if is_one else None)
