"""Layer advice on a service, made from the records of its last builds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from buildkit.advising import Advice, Applied, Observed, Place, advise, applied, effect, observed
from buildkit.advising.history import seen
from buildkit.explaining import Evidence
from builds.masking import mask_secrets
from builds.models import Build, Service
from cache.explaining import evidence_of, without_logs
from cache.models import Advised, LayerAdvice

HISTORY = timedelta(days=28)
EVERY = timedelta(hours=1)
MOST_BUILDS = 60
"""Builds of a group that are read, the newest ones."""

MOST_GROUPS = 4
"""Targets and variants of a service that are looked at, those built most."""

type Group = tuple[str, str]
"""Target and variant: what one Dockerfile, and the same part of it, is used for."""


def due() -> list[int]:
    """Return the keys of services with builds that nobody has read, each once in ``EVERY``."""
    now = timezone.now()
    since = now - HISTORY
    newer = Build.objects.filter(service=OuterRef("pk"), listed_at__gt=since).finished().order_by()
    fresh = newer.filter(explanation__made_at__gt=OuterRef("advised__made_at"))
    waiting = Q(Exists(fresh), advised__made_at__lt=now - EVERY)
    unknown = Q(Exists(newer), advised=None)
    services = Service.objects.filter(waiting | unknown)
    return list(services.order_by("pk").values_list("pk", flat=True))


def advise_service(service: Service) -> None:
    """Read a service's last builds, and write what is advised in the place of what was."""
    now = timezone.now()
    # Whoever fails on it, or is still at it, is not followed by others before its turn comes again.
    Advised.objects.update_or_create(service=service, defaults={"made_at": now})
    rows: list[LayerAdvice] = []
    groups: list[dict[str, Any]] = []
    for group in _groups(service, now):
        history = observed(_builds(service, group, now))
        rows += _given(service, group, history)
        rows += _followed(service, group, history)
        groups.append(_told(group, history))
    with transaction.atomic():
        Service.objects.select_for_update().get(pk=service.pk)
        LayerAdvice.objects.filter(service=service).delete()
        LayerAdvice.objects.bulk_create(rows)
        Advised.objects.update_or_create(
            service=service, defaults={"made_at": now, "groups": groups}
        )


def _groups(service: Service, now: datetime) -> list[Group]:
    recent = Build.objects.filter(service=service, listed_at__gt=now - HISTORY).finished()
    counts = Counter(recent.order_by().values_list("target", "variant"))
    return [group for group, _ in counts.most_common(MOST_GROUPS)]


def _builds(service: Service, group: Group, now: datetime) -> Iterator[tuple[Evidence, datetime]]:
    """Yield the last builds of a group, oldest first; those of which nothing is kept are left out.

    Logs are no evidence here, and are let go of at once.
    """
    target, variant = group
    recent = Build.objects.filter(
        service=service, target=target, variant=variant, listed_at__gt=now - HISTORY
    )
    last = list(recent.finished().newest_first()[:MOST_BUILDS])
    for build in reversed(last):
        if evidence := evidence_of(build):
            yield replace(evidence, build=without_logs(evidence.build)), build.listed_at


def _given(service: Service, group: Group, history: Sequence[Observed]) -> Iterator[LayerAdvice]:
    place = _place(service, history)
    for advice in advise(history, place=place) if history else ():
        yield _row(service, group, advice)


def _place(service: Service, history: Sequence[Observed]) -> Place | None:
    """Return where the Dockerfile lies in the repository, if the service's source says so."""
    source = getattr(service, "source", None)
    newest = seen(history[-1]) if history else None
    if source is None or newest is None or not source.context:
        return None
    folder = source.context.rstrip("/")
    return Place(f"{folder}/{newest.source.filename}", f"{folder}/.dockerignore")


def _row(service: Service, group: Group, advice: Advice) -> LayerAdvice:
    """Return a row; Dockerfiles are masked as all that is shown of them."""
    return LayerAdvice(
        **_named(service, group, advice),
        stage=advice.stage,
        lines=list(advice.lines),
        why=[mask_secrets(text) for text in advice.why],
        remarks=[mask_secrets(text) for text in advice.remarks],
        diff=mask_secrets(advice.diff),
        seconds_a_week=advice.seconds_a_week,
        seconds_low=advice.interval[0] if advice.interval else None,
        seconds_high=advice.interval[1] if advice.interval else None,
        is_upper_bound=advice.is_upper_bound,
        builds=advice.builds,
        examples=list(advice.examples),
    )


def _named(service: Service, group: Group, item: Advice | Applied) -> dict[str, Any]:
    target, variant = group
    return {
        "service": service,
        "target": target,
        "variant": variant,
        "key": mask_secrets(item.key),
        "kind": item.kind.value,
        "title": mask_secrets(item.title),
    }


def _followed(service: Service, group: Group, history: Sequence[Observed]) -> Iterator[LayerAdvice]:
    for item in applied(history):
        yield LayerAdvice(
            **_named(service, group, item),
            since=item.since,
            builds_before=len(item.before),
            builds_since=len(item.after),
            **_effect(item),
        )


def _effect(item: Applied) -> dict[str, float]:
    found = effect(item.before, item.after)
    if found is None:
        return {}
    return {
        "mean_before": found.before,
        "mean_since": found.after,
        "difference_low": found.low,
        "difference_high": found.high,
    }


def _told(group: Group, history: Sequence[Observed]) -> dict[str, Any]:
    target, variant = group
    readable = sum(seen(item) is not None for item in history)
    return {
        "target": target,
        "variant": variant,
        "builds": len(history),
        "unread": len(history) - readable,
    }
