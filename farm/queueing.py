"""Rows of the queue: what is asked for becomes a build and a request, once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
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
from farm.models import Builder, BuildRequest, Source

PIPELINE_NAME = "buildinsights"
QUEUE_LOCK = 0x71756575  # the letters "queu": equal requests that come at once are one
QUEUED = (BuildRequest.State.READY, BuildRequest.State.WAITING)


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
    trigger: str = "manual"


def queue(
    source: Source, wish: Wish, actor: ActorLike, needed: Sequence[BuildRequest] = ()
) -> BuildRequest:
    """Return the queued request that equals the wish, or a new one that waits for ``needed``."""
    return _queued_like(source, wish) or _new_request(source, wish, actor, needed)


def lock_queue() -> None:
    """Let one transaction at a time look for an equal request and make one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s::bigint)", [QUEUE_LOCK])


def _same_as(source: Source, wish: Wish) -> str:
    values = {**asdict(_filled(source, wish)), "source": source.pk}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _filled(source: Source, wish: Wish) -> Wish:
    """Return the wish with what the source says in place of what was not said."""
    return Wish(
        ref_name=wish.ref_name or source.ref_name,
        revision=wish.revision,
        variant=wish.variant or source.variant,
        environment=wish.environment or source.environment,
        platforms=tuple(wish.platforms or source.platforms),
        no_cache=wish.no_cache,
        no_cache_from=wish.no_cache_from,
        verbose_cache=wish.verbose_cache,
        trigger="",
    )


def _queued_like(source: Source, wish: Wish) -> BuildRequest | None:
    queued = BuildRequest.objects.filter(source=source, state__in=QUEUED)
    return queued.filter(same_as=_same_as(source, wish)).select_related("build").first()


def _new_request(
    source: Source, wish: Wish, actor: ActorLike, needed: Sequence[BuildRequest]
) -> BuildRequest:
    filled = _filled(source, wish)
    request = BuildRequest.objects.create(
        build=_new_build(source, filled, wish.trigger),
        source=source,
        project_id=source.service.project_id,
        builder=source.builder or default_builder(),
        state=BuildRequest.State.WAITING if needed else BuildRequest.State.READY,
        requested_by=actor.actor_name,
        author=author_of(actor),
        priority=wish.priority,
        same_as=_same_as(source, wish),
        no_cache=filled.no_cache,
        no_cache_from=filled.no_cache_from,
        verbose_cache=filled.verbose_cache,
    )
    request.needs.set(needed)
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
    wish = Wish(
        ref_name=build.ref_name,
        revision=build.revision,
        variant=build.variant,
        environment=build.environment,
        platforms=tuple(build.platforms),
        priority=old.priority,
        no_cache=old.no_cache,
        no_cache_from=old.no_cache_from,
        verbose_cache=old.verbose_cache,
        trigger="retry",
    )
    wish = replace(wish, **changes)
    lock_queue()
    request = queue(old.source, wish, actor)
    request.retry_of, request.attempt, request.not_before = old, old.attempt + 1, not_before
    request.author = request.author or old.author
    request.save(update_fields=["retry_of", "attempt", "not_before", "author"])
    return request


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
