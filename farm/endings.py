"""How requests end: what waits for them goes on or is skipped, transient failures go again."""

import random
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import SYSTEM
from buildkit.classification import classify
from buildkit.failure_classes import TRANSIENT, FailureClass
from buildkit.model import BuildStatus, Failure
from builds.masking import mask_secrets
from builds.models import Build
from farm.models import BuildRequest, LiveBuild, RequestNeed, Source
from farm.notices import announce
from farm.queueing import lock_queue, retry, wait_for, wake_workers

FIRST_PAUSE_SECONDS = 5.0
"""Before the first automatic retry; each later one waits twice as long, give or take a half."""


@transaction.atomic
def finish(
    request: BuildRequest,
    status: Build.Status | None = None,
    failure_class: FailureClass | None = None,
    message: str = "",
) -> None:
    """End a request. With a status, its build ends so; else as it was recorded.

    What waits for it goes on, or is skipped; a transient failure is tried again by itself.
    """
    lock_queue()
    changed = (
        BuildRequest.objects.filter(pk=request.pk)
        .exclude(state=BuildRequest.State.ENDED)
        .update(state=BuildRequest.State.ENDED, ended_at=Now())
    )
    if not changed:
        return
    if status is not None:
        _end_build(request, status, failure_class, message)
    LiveBuild.objects.filter(request=request).delete()
    build = Build.objects.select_related("project").get(pk=request.pk)
    again = _retry_by_itself(request, build)
    if again is not None:
        for dependent in request.needed_by.filter(state=BuildRequest.State.WAITING):
            dependent.needs.remove(request)
            wait_for(dependent, [again])
        return
    announce(request, build)
    _release_dependents(request, build)


def _end_build(
    request: BuildRequest,
    status: Build.Status,
    failure_class: FailureClass | None,
    message: str,
) -> None:
    words = mask_secrets(message)
    verdict = classify(Failure(words), BuildStatus.FAILED, None)
    values: dict[str, object] = {"status": status}
    if words:
        values |= {
            "failure_class": (failure_class or verdict.failure_class).value,
            "failure_fingerprint": verdict.fingerprint,
            "failure_evidence": verdict.evidence,
            "failure_message": words,
        }
    builds = Build.objects.filter(pk=request.pk)
    builds.update(**values)
    builds.filter(completed_at__isnull=True).update(completed_at=Now())


def _retry_by_itself(request: BuildRequest, build: Build) -> BuildRequest | None:
    """Queue another attempt after a transient failure, as often as the source allows.

    Not after a cancel that came while it failed.
    """
    transient = {item.value for item in TRANSIENT}
    if build.status != Build.Status.FAILED or build.failure_class not in transient:
        return None
    source = Source.objects.get(pk=request.source_id)
    canceled = BuildRequest.objects.filter(pk=request.pk, cancel_requested_at__isnull=False)
    if request.attempt > source.retries or canceled.exists():
        return None
    not_before = timezone.now() + pause_before(request.attempt)
    return retry(build=build, actor=SYSTEM, not_before=not_before)


def pause_before(attempt: int) -> timedelta:
    """Return how long to wait after that attempt: twice as long each time, with jitter."""
    jitter = random.uniform(0.5, 1.5)  # noqa: S311  # spreads load, hides nothing
    return timedelta(seconds=FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * jitter)


def _release_dependents(request: BuildRequest, build: Build) -> None:
    waiting = request.needed_by.filter(state=BuildRequest.State.WAITING)
    if build.status == Build.Status.SUCCEEDED:
        _release(waiting)
        return
    ended = build.get_status_display().lower()
    words = f"Skipped: {request.source.service.name}, which it needs, ended as {ended}."
    for dependent in waiting.select_related("build__project", "source__service"):
        finish(dependent, Build.Status.CANCELED, FailureClass.CANCELED, words)


def _release(waiting: QuerySet[BuildRequest]) -> None:
    """Put into the queue those whose needs have all been built."""
    built = {
        "needed__state": BuildRequest.State.ENDED,
        "needed__build__status": Build.Status.SUCCEEDED,
    }
    unmet = RequestNeed.objects.filter(request=OuterRef("pk")).exclude(**built)
    for free in waiting.exclude(Exists(unmet)).select_related("builder"):
        still_waiting = BuildRequest.objects.filter(pk=free.pk, state=BuildRequest.State.WAITING)
        if still_waiting.update(state=BuildRequest.State.READY):
            wake_workers(free.builder.queue)


@transaction.atomic
def release_waiting() -> None:
    """Let go on what waits for nothing any more, such as for a service that was deleted."""
    lock_queue()
    _release(BuildRequest.objects.filter(state=BuildRequest.State.WAITING))


@transaction.atomic
def lose(request: BuildRequest) -> None:
    """End what a dead worker had, unless it has been heard of since; a recorded end stays."""
    lock_queue()
    silent = BuildRequest.objects.select_for_update().filter(
        pk=request.pk, state=BuildRequest.State.RUNNING, heartbeat_at=request.heartbeat_at
    )
    if silent.first() is None:
        return
    if Build.objects.get(pk=request.pk).is_final:
        finish(request)
        return
    heard = f"{request.heartbeat_at:%H:%M:%S} UTC"
    words = f"The worker is gone: {request.worker} was last heard of at {heard}."
    finish(request, Build.Status.LOST, FailureClass.BUILDER_LOST, words)
