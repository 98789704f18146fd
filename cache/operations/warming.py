"""Warming: builds of services before anybody waits for them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from buildinsights.templatetags.formats import duration
from buildkit.caching.warming import SAVED_BY_WARMTH, Candidate, Loss, candidates
from builds.models import Build, Service
from cache.models import Operation, StepReason
from cache.operations.plans import OnBehalf, Outcome, Plan
from farm.models import Source
from farm.queueing import Wish
from farm.services import trigger

TRIGGER = "warm"
HISTORY = timedelta(days=28)


def plan(operation: Operation) -> Plan:
    """Choose the services that are named, or those that history says are worth it."""
    known = Source.objects.filter(service__project=operation.project)
    sources = {item.service_id: item for item in known.select_related("service")}
    chosen = operation.parameters["services"]
    services = list(Service.objects.filter(project=operation.project, pk__in=sources))
    worth = {item.target: item for item in worth_warming(services)}
    if chosen:
        picked = [service for service in services if service.slug in chosen]
    else:
        by_name = {str(service.pk): service for service in services}
        picked = [by_name[target] for target in worth]
    rows = [(service.name, _why(worth.get(str(service.pk)))) for service in picked]
    needed = with_needs(sources[service.pk] for service in picked)
    asked = {sources[service.pk].pk for service in picked}
    rows += [
        (item.service.name, "Needed by another of them.") for item in needed if item.pk not in asked
    ]
    return Plan(
        f"{len(rows)} services are built, each after those that it needs.",
        ("Service", "Why"),
        rows,
        () if rows else ("Builds of the last 28 days name no service that is worth warming.",),
        [item.pk for item in needed],
    )


def _why(candidate: Candidate | None) -> str:
    if candidate is None:
        return "It was chosen; of late it lost nothing that warming would have saved."
    return (
        f"{candidate.losses} of {candidate.builds} builds ran steps again that the cache had lost: "
        f"{duration(candidate.lost_seconds)}; one warming takes about "
        f"{duration(candidate.warming_seconds)}."
    )


def with_needs(sources: Iterable[Source]) -> list[Source]:
    """Return the sources and all that they need."""
    waiting, found = list(sources), dict[int, Source]()
    while waiting:
        source = waiting.pop()
        if source.pk not in found:
            found[source.pk] = source
            waiting += source.needs.select_related("service")
    return list(found.values())


def worth_warming(services: Iterable[Service]) -> tuple[Candidate, ...]:
    """Return the services that are worth it, the most worth first; targets are their keys."""
    keys = [service.pk for service in services]
    since = timezone.now() - HISTORY
    recent = Build.objects.filter(service__in=keys, listed_at__gte=since).exclude(trigger=TRIGGER)
    counts = dict(recent.order_by().values_list("service").annotate(Count("pk")))
    losses = [Loss(str(service), lost) for service, lost in _losses(keys, since)]
    quiet = defaultdict(int, counts)
    for loss in losses:
        quiet[int(loss.target)] -= 1
    losses += [Loss(str(service), 0.0) for service, count in quiet.items() for _ in range(count)]
    return candidates(losses)


def _losses(services: list[int], since: object) -> Iterable[tuple[int, float]]:
    """Return service and lost seconds of each build that a warm cache would have helped."""
    reasons = StepReason.objects.filter(service__in=services, build__listed_at__gte=since)
    reasons = reasons.exclude(build__trigger=TRIGGER)
    causes = [cause.value for cause in SAVED_BY_WARMTH]
    firsts = set(reasons.filter(cause__in=causes).values_list("build_id", "position"))
    rows = reasons.filter(build__in={build for build, _ in firsts})
    lost: defaultdict[tuple[int, int], float] = defaultdict(float)
    for build, service, first, seconds in rows.values_list(
        "build_id", "service_id", "first", "seconds"
    ):
        if (build, first) in firsts:
            lost[build, service] += seconds
    return [(service, seconds) for (_, service), seconds in lost.items()]


def carry_out(operation: Operation, actor: OnBehalf) -> Outcome:
    """Queue the builds."""
    sources = Source.objects.filter(pk__in=operation.items)
    sources = sources.select_related("service__project", "builder").prefetch_related("needs")
    with transaction.atomic():
        made = trigger(sources=list(sources), wish=Wish(trigger=TRIGGER), actor=actor)
    return Outcome(f"{len(made)} builds are queued.")
