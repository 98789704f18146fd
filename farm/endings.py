"""How requests end: what waits for them goes on or is skipped, transient failures go again."""

import random
from datetime import timedelta
from operator import attrgetter

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from audit.services import SYSTEM
from buildkit.classification import classify
from buildkit.failure_classes import TRANSIENT, FailureClass
from buildkit.model import BuildStatus, Failure
from builds.masking import mask_secrets
from builds.models import Build
from builds.signals import build_ended
from farm.models import BuildRequest, LiveBuild, RequestNeed, Source
from farm.notices import announce
from farm.queueing import lock_queue, retry, wait_for, wake_workers

FIRST_PAUSE_SECONDS = 5.0
"""Before the first automatic retry; each later one waits twice as long, give or take a half."""

UNHEARD_OF = timedelta(days=2)
"""How long the end of a build elsewhere, of which progress came, is waited for."""


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
    ended = _finish(request, status, failure_class, message)
    # Whoever makes the sums of days locks those of several services in this order.
    for build in sorted(ended, key=attrgetter("service_id", "listed_at")):
        build_ended.send(Build, build=build)


def _finish(
    request: BuildRequest,
    status: Build.Status | None,
    failure_class: FailureClass | None,
    message: str,
) -> list[Build]:
    """End a request and what it takes with it; return the builds that this has ended."""
    changed = (
        BuildRequest.objects.filter(pk=request.pk)
        .exclude(state=BuildRequest.State.ENDED)
        .update(state=BuildRequest.State.ENDED, ended_at=Now())
    )
    if not changed:
        return []
    if status is not None:
        values = {"status": status, "completed_at": Coalesce("completed_at", Now())}
        failure = _failure(failure_class, message)
        Build.objects.filter(pk=request.pk).update(**values, **failure)
    LiveBuild.objects.filter(request=request).delete()
    build = Build.objects.select_related("project").get(pk=request.pk)
    ended = [build] if status is not None else []
    again = _retry_by_itself(request, build)
    if again is not None:
        put_in_place(request, again)
        return ended
    announce(request, build)
    return ended + _release_dependents(request, build)


def put_in_place(old: BuildRequest, new: BuildRequest) -> None:
    """Let what waits for one request wait for another."""
    for dependent in old.needed_by.filter(state=BuildRequest.State.WAITING):
        dependent.needs.remove(old)
        wait_for(dependent, [new])


def _failure(failure_class: FailureClass | None, message: str) -> dict[str, str]:
    """Return what a build keeps of why it ended so; without a word, what it has."""
    words = mask_secrets(message)
    if not words:
        return {}
    verdict = classify(Failure(words), BuildStatus.FAILED, None)
    return {
        "failure_class": (failure_class or verdict.failure_class).value,
        "failure_fingerprint": verdict.fingerprint,
        "failure_evidence": verdict.evidence,
        "failure_message": words,
    }


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


def _release_dependents(request: BuildRequest, build: Build) -> list[Build]:
    """Let go on what waits, or skip it; return the builds that were skipped."""
    waiting = request.needed_by.filter(state=BuildRequest.State.WAITING)
    if build.status == Build.Status.SUCCEEDED:
        _release(waiting)
        return []
    ended = build.get_status_display().lower()
    words = f"Skipped: {request.source.service.name}, which it needs, ended as {ended}."
    skipped = []
    for dependent in waiting.select_related("build__project", "source__service"):
        skipped += _finish(dependent, Build.Status.CANCELED, FailureClass.CANCELED, words)
    return skipped


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


def lose_unheard_of() -> None:
    """End builds that no worker of ours had, and of which nobody told the end: a killed CI job.

    Should their records come after all, these count.
    """
    before = timezone.now() - UNHEARD_OF
    running = Build.objects.filter(status=Build.Status.RUNNING, request=None, listed_at__lt=before)
    for pk in running.order_by().values_list("pk", flat=True):
        _lose_unheard_of(pk)


@transaction.atomic
def _lose_unheard_of(pk: int) -> None:
    words = f"Progress came, and for {UNHEARD_OF.days} days no end: was the job killed?"
    running = Build.objects.filter(pk=pk, status=Build.Status.RUNNING)
    # When it ended is not known.
    if running.update(status=Build.Status.LOST, **_failure(FailureClass.BUILDER_LOST, words)):
        build_ended.send(Build, build=Build.objects.get(pk=pk))
