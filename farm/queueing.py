"""Rows of the queue: what is asked for becomes a build and a request, once."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.utils import timezone

from audit.services import ActorLike, record
from builds.models import Build
from builds.partitions import ensure_partition, month_of
from farm.actors import author_of
from farm.exceptions import NotRetryableError
from farm.models import Builder, BuildRequest, RequestNeed, Source
from farm.signals import retried

PIPELINE_NAME = "buildinsights"
QUEUE_LOCK = 0x71756575  # the letters "queu"
QUEUED = (BuildRequest.State.READY, BuildRequest.State.WAITING)
FOR_CACHES = frozenset({"warm", "rebuild"})
"""Triggers of builds that are made for their caches alone: they push no image."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for of each source; empty means what the source says."""

    ref_name: str = ""
    revision: str = ""
    variant: str = ""
    environment: str = ""
    platforms: tuple[str, ...] = ()
    priority: int = 0
    no_cache: bool = False
    no_cache_from: str = ""
    verbose_cache: bool = False
    base_from: str = ""
    base_to: str = ""
    trigger: str = "manual"


def queue(
    source: Source, wish: Wish, actor: ActorLike, needed: Sequence[BuildRequest] = ()
) -> BuildRequest:
    """Return the queued request that equals the wish, or a new one; it waits for ``needed``."""
    request = _queued_like(source, wish) or _new_request(source, wish, actor)
    wait_for(request, needed)
    return request


def wait_for(request: BuildRequest, needed: Iterable[BuildRequest]) -> None:
    """Let a queued request wait for others, but for those that wait for it themselves."""
    first = [other for other in needed if not _waits_for(other, request)]
    if first:
        request.needs.add(*first)
        queued = BuildRequest.objects.filter(pk=request.pk, state__in=QUEUED)
        queued.update(state=BuildRequest.State.WAITING)
        request.state = BuildRequest.State.WAITING


def _waits_for(request: BuildRequest, other: BuildRequest) -> bool:
    """Tell whether ``request`` needs ``other``, or something that does."""
    left, reached = {request.pk}, {request.pk}
    while left and other.pk not in reached:
        needs = RequestNeed.objects.filter(request__in=left)
        left = set(needs.values_list("needed_id", flat=True)) - reached
        reached |= left
    return other.pk in reached


def lock_queue() -> None:
    """Let one transaction at a time ask for builds, cancel or end them: before it locks any row.

    So equal requests that come at once are one, two that end at once both see what waits for them,
    and none of these wait for each other's rows. Only claims go on meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [QUEUE_LOCK])


def _same_as(source: Source, wish: Wish) -> str:
    values = {**asdict(_filled(source, wish)), "source": source.pk}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _filled(source: Source, wish: Wish) -> Wish:
    """Return the wish with what the source says in place of what was not said.

    Who asked for it, and how urgently, makes no other build: only a trigger that does is kept.
    """
    return Wish(
        ref_name=wish.ref_name or source.ref_name,
        revision=wish.revision,
        variant=wish.variant or source.variant,
        environment=wish.environment or source.environment,
        platforms=tuple(wish.platforms or source.platforms),
        no_cache=wish.no_cache,
        no_cache_from=wish.no_cache_from,
        verbose_cache=wish.verbose_cache,
        base_from=wish.base_from,
        base_to=wish.base_to,
        trigger=_deciding(wish.trigger),
    )


def _deciding(trigger: str) -> str:
    """Return the trigger if it decides what is done, and says not only why."""
    return trigger if trigger in FOR_CACHES else ""


def _queued_like(source: Source, wish: Wish) -> BuildRequest | None:
    """Return an equal request, locked: it stays queued until the transaction ends."""
    queued = BuildRequest.objects.filter(source=source, state__in=QUEUED)
    like = queued.filter(same_as=_same_as(source, wish)).select_related("build")
    return like.select_for_update(of=("self",)).first()


def _new_request(source: Source, wish: Wish, actor: ActorLike) -> BuildRequest:
    filled = _filled(source, wish)
    request = BuildRequest.objects.create(
        build=_new_build(source, filled, wish.trigger),
        source=source,
        project_id=source.service.project_id,
        builder=source.builder or default_builder(),
        requested_by=actor.actor_name,
        author=author_of(actor),
        priority=wish.priority,
        same_as=_same_as(source, wish),
        no_cache=filled.no_cache,
        no_cache_from=filled.no_cache_from,
        verbose_cache=filled.verbose_cache,
        base_from=filled.base_from,
        base_to=filled.base_to,
    )
    wake_workers(request.builder.queue)
    audit(request, actor, "build.triggered", {"trigger": wish.trigger, "ref": filled.ref_name})
    return request


def _new_build(source: Source, filled: Wish, trigger_name: str) -> Build:
    now = timezone.now()
    ensure_partition(month_of(now))
    build = Build(
        project_id=source.service.project_id,
        service=source.service,
        listed_at=now,
        steps_month=month_of(now),
        status=Build.Status.QUEUED,
        variant=filled.variant,
        environment=filled.environment,
        platforms=list(filled.platforms),
        trigger=trigger_name,
        repository_url="" if source.repository_url.startswith("/") else source.repository_url,
        ref_name=filled.ref_name,
        revision=filled.revision,
        pipeline_name=PIPELINE_NAME,
    )
    build.pipeline_run_id = str(build.public_id)
    build.save()
    return build


def default_builder() -> Builder:
    """Return the builder without a name: the current one of whichever worker."""
    builder, _ = Builder.objects.get_or_create(name="")
    return builder


@transaction.atomic
def retry(
    *, build: Build, actor: ActorLike, not_before: datetime | None = None, **changes: Any
) -> BuildRequest:
    """Queue another attempt at the same commit and with the same settings, linked to the last.

    What is made for its caches alone stays so.

    An equal request that is queued already answers the same question: it is returned as it is, with
    its own attempt, link and time.

    Raises:
        NotRetryableError: it is not this server's, or has not ended.
    """
    old = (
        BuildRequest.objects.select_related("build__project", "source__service", "author")
        .filter(build=build, state=BuildRequest.State.ENDED)
        .first()
    )
    if old is None:
        raise NotRetryableError
    last = _wish_of(old)
    wish = replace(last, trigger=_deciding(last.trigger) or "retry", **changes)
    lock_queue()
    queued = _queued_like(old.source, wish)
    if queued is not None:
        return queued
    request = _new_request(old.source, wish, actor)
    request.retry_of, request.attempt, request.not_before = old, old.attempt + 1, not_before
    request.author = request.author or old.author
    request.save(update_fields=["retry_of", "attempt", "not_before", "author"])
    retried.send(BuildRequest, old=old, new=request)
    return request


def _wish_of(request: BuildRequest) -> Wish:
    """Return what was asked for, with what the source said then."""
    build = request.build
    return Wish(
        ref_name=build.ref_name,
        revision=build.revision,
        variant=build.variant,
        environment=build.environment,
        platforms=tuple(build.platforms),
        priority=request.priority,
        no_cache=request.no_cache,
        no_cache_from=request.no_cache_from,
        verbose_cache=request.verbose_cache,
        base_from=request.base_from,
        base_to=request.base_to,
        trigger=build.trigger,
    )


def is_same_but_for_commit(one: BuildRequest, other: BuildRequest) -> bool:
    """Tell whether two requests of a source ask for the same of another commit, or of the same."""
    first, second = (
        replace(wish, revision="", priority=0, trigger=_deciding(wish.trigger))
        for wish in map(_wish_of, (one, other))
    )
    return first == second


def audit(
    request: BuildRequest, actor: ActorLike, action: str, changes: Mapping[str, object]
) -> None:
    """Note an act on a build that this server was asked for."""
    build = request.build
    record(actor=actor, action=action, target=build, project=build.project, changes=changes)


def wake_workers(queue: str) -> None:
    """Tell a worker, once the transaction is committed, that there may be something to do."""
    send = current_app.send_task
    transaction.on_commit(partial(send, "farm.run_next", kwargs={"queue": queue}, queue=queue))
